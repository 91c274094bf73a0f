import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { OutriggerError } from "../mesh/errors.ts";
import type { ServedCertificate } from "./state.ts";

/** A certificate with its key, both as PEM, checked to belong together. */
export interface ServingPair extends ServedCertificate {
  /** The leaf first, then its intermediates. */
  readonly certificate: string;
  readonly privateKey: string;
  /** SHA-256 of the leaf, in hexadecimal with colons. */
  readonly fingerprint: string;
  /** The names that it is valid for: `DNS:outrigger.outrigger-system.svc, IP Address:127.0.0.1`. */
  readonly names: string;
}

/**
 * Checks what is to be served.
 * @param source where it stands, for the error: file names or a Secret
 * @throws OutriggerError BAD_CONFIGURATION when a part is not PEM, the two do not belong together, or its time is over
 */
export function servingPair(certificate: string, privateKey: string, source: string, now: Date): ServingPair {
  const refuse = (message: string, cause?: unknown) =>
    new OutriggerError("BAD_CONFIGURATION", [{ field: source, message }], { cause });
  let leaf: X509Certificate;
  try {
    createSecureContext({ cert: certificate, key: privateKey, minVersion: "TLSv1.2" });
    leaf = new X509Certificate(certificate);
  } catch (cause) {
    throw refuse(`is no certificate with its key: ${(cause as Error).message}`, cause);
  }
  const { validFromDate: notBefore, validToDate: notAfter, fingerprint256: fingerprint } = leaf;
  if (notAfter <= now) throw refuse(`expired at ${notAfter.toISOString()}`);
  return { certificate, privateKey, notBefore, notAfter, fingerprint, names: leaf.subjectAltName ?? "" };
}
