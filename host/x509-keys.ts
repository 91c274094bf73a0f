import "reflect-metadata"; // @peculiar/x509's dependency injection needs it loaded first
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

/** ECDSA on P-256 with SHA-256: small, quick to sign with, and known to every client of TLS 1.2. */
export const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export type CryptoKey = webcrypto.CryptoKey;

/** A certificate and its private key in PEM: what files and Secrets hold. */
export interface CertificatePem {
  /** The certificate; with intermediates below it, leaf first. */
  readonly certificate: string;
  /** PKCS#8. */
  readonly privateKey: string;
}

export async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

export async function privateKeyPem(key: CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

/** Reads the first PKCS#8 key of a PEM text. Throws what the decoder or WebCrypto say of anything else. */
export async function parsePrivateKey(pem: string): Promise<CryptoKey> {
  return await webcrypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(pem), algorithm, true, ["sign"]);
}

export function certificatePem(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

/** Whether a private key is the one that a certificate was made for. */
export async function isKeyOf(certificate: x509.X509Certificate, privateKey: CryptoKey): Promise<boolean> {
  const publicKey = await webcrypto.subtle.importKey("spki", certificate.publicKey.rawData, algorithm, true, [
    "verify",
  ]);
  const message = new TextEncoder().encode("proof of possession");
  const signature = await webcrypto.subtle.sign(algorithm, privateKey, message);
  return await webcrypto.subtle.verify(algorithm, publicKey, signature, message);
}
