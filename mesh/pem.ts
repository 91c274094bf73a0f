/** The certificates of a PEM text, one by one; what stands between them is dropped. */
export function certificatesOf(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

/** The opposite. */
export function certificatesText(certificates: readonly string[]): string {
  return certificates.map((certificate) => `${certificate}\n`).join("");
}
