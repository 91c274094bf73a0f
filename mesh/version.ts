import packageJson from "../package.json" with { type: "json" };

/** The one version of everything in this package. */
export const version: string = packageJson.version;
