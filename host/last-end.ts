import { X509Certificate } from "node:crypto";

/** When the last of some certificates (PEM) ends. Former ones stay for a while; what counts is the one that is valid longest. */
export function lastEnd(certificates: readonly string[]): Date {
  return new Date(Math.max(...certificates.map((pem) => new X509Certificate(pem).validToDate.getTime())));
}
