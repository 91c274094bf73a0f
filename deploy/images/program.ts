/** Where the bundle stands in the images. */
export const bundleFolder = "/opt/outrigger";
const node = "/usr/local/bin/node";
const program = `${bundleFolder}/outrigger.mjs`;
const initProgram = `${bundleFolder}/outrigger.cjs`;

/** The command that starts the bundled `outrigger` in its images, under Node.js with these flags. */
export function startProgram(nodeFlags: readonly string[]): string[] {
  return [node, ...nodeFlags, program];
}

/** The same of the init image. */
export const startInit: readonly string[] = [node, initProgram];
