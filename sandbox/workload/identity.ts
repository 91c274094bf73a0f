import { createHash } from "node:crypto";

/** The alphabet of Kubernetes' generated names: no vowels, and nothing that looks like something else. */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** A suffix as Kubernetes generates it, but always the same for the same text, so that names can be relied on. */
export function suffix(text: string, length = 5): string {
  return [...digest(text).subarray(0, length)].map((byte) => alphabet[byte % alphabet.length]).join("");
}

/** A UID, always the same for the same text. */
export function uid(text: string): string {
  const hex = digest(text).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}
