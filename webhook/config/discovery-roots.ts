import { X509Certificate } from "node:crypto";
import { lastEnd } from "../../host/last-end.ts";
import { OutriggerError } from "../../mesh/errors.ts";
import { certificatesOf, certificatesText } from "../../mesh/pem.ts";
import type { ConfigurationText } from "./configuration.ts";

const remedy = "give certificates of authorities as PEM, one of them still valid";

/** What is wrong with what should be a root, if anything. */
function faultOf(pem: string): string | undefined {
  try {
    return new X509Certificate(pem).ca ? undefined : "holds a certificate that is no authority's";
  } catch (error) {
    return `holds a certificate that cannot be read: ${(error as Error).message}`;
  }
}

/**
 * Checks the roots that sidecars are to know the control plane by: a sidecar with none that counts never becomes ready.
 * @returns the certificates as PEM
 * @throws OutriggerError BAD_CONFIGURATION
 */
export function checkRoots({ name, text }: ConfigurationText, now: Date): string {
  const certificates = certificatesOf(text);
  const refuse = (message: string) => new OutriggerError("BAD_CONFIGURATION", [{ field: name, message, remedy }]);
  if (certificates.length === 0) throw refuse("holds no certificate");
  const fault = certificates.map(faultOf).find((found) => found !== undefined);
  if (fault !== undefined) throw refuse(fault);
  const last = lastEnd(certificates);
  if (last <= now) throw refuse(`holds no root that is valid: the last one ended at ${last.toISOString()}`);
  return certificatesText(certificates);
}
