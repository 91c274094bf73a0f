import { X509Certificate } from "node:crypto";
import { type Authority, loadAuthority } from "../../host/x509.ts";
import { OutriggerError } from "../../mesh/errors.ts";

/**
 * What the authority's Secret holds, in base64 as in every Secret. `tls.*` signs; `next.*` is trusted already and signs
 * later; `ca.crt` is everything that clients must trust.
 */
export type SecretData = Readonly<Record<string, string>>;

/** The authorities of a cluster, as its Secret has them. */
export interface Authorities {
  /** The one that signs. */
  readonly current: Authority;
  /** The one that will sign once every API server trusts it. */
  readonly next?: Authority;
  /** Certificates that are to be trusted, each in PEM: the two above, and former ones until they expire. */
  readonly trusted: readonly string[];
}

function decode(data: SecretData, key: string): string {
  return Buffer.from(data[key] ?? "", "base64").toString("utf8");
}

function encode(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

/** The certificates of a PEM text, one by one. What stands between them is dropped. */
export function splitPem(text: string): string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => `${block}\n`);
}

/**
 * Reads a Secret. Undefined when it holds no authority yet.
 * @param source the Secret's name, for the error
 * @throws OutriggerError BAD_CONFIGURATION when what it holds is no authority
 */
export async function readAuthorities(data: SecretData, source: string): Promise<Authorities | undefined> {
  if (data["tls.crt"] === undefined && data["tls.key"] === undefined) return undefined;
  const pair = (name: string) => ({
    certificate: decode(data, `${name}.crt`),
    privateKey: decode(data, `${name}.key`),
  });
  const current = await loadAuthority(pair("tls"), source);
  const next = data["next.crt"] === undefined ? undefined : await loadAuthority(pair("next"), source);
  const trusted = splitPem(decode(data, "ca.crt"));
  for (const pem of trusted) requireCertificate(pem, source);
  return { current, ...(next && { next }), trusted };
}

function requireCertificate(pem: string, source: string): void {
  try {
    new X509Certificate(pem);
  } catch (cause) {
    const message = `holds a certificate in ca.crt that cannot be read: ${(cause as Error).message}`;
    throw new OutriggerError("BAD_CONFIGURATION", [{ field: source, message }], { cause });
  }
}

/** Writes authorities as a Secret holds them. */
export function secretData({ current, next, trusted }: Authorities): SecretData {
  return {
    "tls.crt": encode(current.pem.certificate),
    "tls.key": encode(current.pem.privateKey),
    "ca.crt": encode(trusted.join("")),
    ...(next && { "next.crt": encode(next.pem.certificate), "next.key": encode(next.pem.privateKey) }),
  };
}
