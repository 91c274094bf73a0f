/** An image reference in full, as a container runtime completes it. */
export interface ImageReference {
  /** `docker.io/library/node` */
  readonly repository: string;
  /** `24-alpine`; `latest` when nothing is said, and empty when only a digest is. */
  readonly tag: string;
}

/** `node:24-alpine` → `docker.io/library/node`, `24-alpine`. */
export function parseImage(image: string): ImageReference {
  const [named = "", digest] = image.split("@", 2);
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? (digest === undefined ? "latest" : "") : named.slice(colon + 1);
  const [first = ""] = name.split("/");
  const hasRegistry = name.includes("/") && (/[.:]/.test(first) || first === "localhost");
  if (hasRegistry) return { repository: name, tag };
  return { repository: `docker.io/${name.includes("/") ? "" : "library/"}${name}`, tag };
}
