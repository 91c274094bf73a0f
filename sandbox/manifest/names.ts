import * as v from "valibot";

/**
 * Names as the API server takes them. They become parts of file paths, chain names and DNS names here, so nothing else
 * gets past this point.
 * Rules: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
 */
const label = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?";

export const dnsLabel = v.pipe(
  v.string(),
  v.regex(new RegExp(`^${label}$`), "must be a DNS label: lower-case letters, digits and -, at most 63"),
);

export const dnsSubdomain = v.pipe(
  v.string(),
  v.maxLength(253, "must have at most 253 characters"),
  v.regex(new RegExp(`^${label}(?:\\.${label})*$`), "must be DNS labels joined by dots"),
);

/** A key of a ConfigMap or Secret: one file's name. */
export const dataKey = v.pipe(
  v.string(),
  v.regex(/^(?!\.\.)[-._a-zA-Z0-9]{1,253}$/, "must be a file name of letters, digits, -, _ and ."),
);

/** A path below a volume. */
export const relativePath = v.pipe(
  v.string(),
  v.check(
    (path) => !path.startsWith("/") && !path.split("/").includes(".."),
    "must be a path below the volume, without ..",
  ),
);

export const absolutePath = v.pipe(
  v.string(),
  v.startsWith("/", "must be an absolute path"),
  v.check((path) => !path.split("/").includes("..") && !path.includes(":"), "must not contain .. or a colon"),
);

export const port = v.pipe(
  v.number(),
  v.integer("must be a port: 1 to 65535"),
  v.minValue(1, "must be a port: 1 to 65535"),
  v.maxValue(65535, "must be a port: 1 to 65535"),
);

/** A port by number or by the name of a container port. */
export const portReference = v.union([port, v.string()], "must be a port: 1 to 65535, or the name of one");

export const protocol = v.picklist(["TCP", "UDP", "SCTP"], "must be TCP, UDP or SCTP");

export const textMap = v.record(v.string(), v.string("must be text (quote it)"));

export const wholeNumber = v.pipe(
  v.number(),
  v.integer("must be a whole number"),
  v.minValue(0, "must not be negative"),
);
