import "reflect-metadata"; // @peculiar/x509's dependency injection needs it loaded first
import { createPrivateKey, KeyObject, webcrypto, X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";

/**
 * The keys that are made here. ECDSA on P-256 is small, quick to sign with, and known to every client of TLS 1.2; RSA is
 * for those whose rules or hardware ask for it.
 */
const keyParameters = {
  ecdsa: { name: "ECDSA", namedCurve: "P-256" },
  rsa: { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
} as const;

export type KeyAlgorithm = keyof typeof keyParameters;

export const keyAlgorithms = Object.keys(keyParameters) as readonly KeyAlgorithm[];

/** The least bits of an RSA key that clients take. */
const shortestRsaBits = 2048;

export type CryptoKey = webcrypto.CryptoKey;

/** A certificate and its private key in PEM: what files and Secrets hold. */
export interface CertificatePem {
  /** The certificate; with intermediates below it, leaf first. */
  readonly certificate: string;
  /** PKCS#8. */
  readonly privateKey: string;
}

export async function generateKeys(algorithm: KeyAlgorithm = "ecdsa"): Promise<webcrypto.CryptoKeyPair> {
  const parameters = keyParameters[algorithm];
  return (await webcrypto.subtle.generateKey(parameters, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
}

export async function privateKeyPem(key: CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")}\n`;
}

/** What a key signs with: always SHA-256 or longer. */
export function signatureOf({ algorithm }: CryptoKey) {
  const { namedCurve } = algorithm as { namedCurve?: string };
  return { ...algorithm, hash: namedCurve === "P-384" ? "SHA-384" : "SHA-256" };
}

const curves: Readonly<Record<string, string>> = { prime256v1: "P-256", secp384r1: "P-384" };

function parametersOf({ asymmetricKeyType: type, asymmetricKeyDetails: details = {} }: KeyObject) {
  const curve = curves[details.namedCurve ?? ""];
  if (type === "ec" && curve !== undefined) return { name: "ECDSA", namedCurve: curve };
  const isLongEnough = (details.modulusLength ?? 0) >= shortestRsaBits;
  if (type === "rsa" && isLongEnough) return { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  throw new Error(`the key is ${type}, and neither ECDSA on P-256 or P-384 nor RSA of ${shortestRsaBits} bits`);
}

/** Reads the first private key of a PEM text, however it is wrapped. Throws what OpenSSL and WebCrypto say of anything else. */
export async function parsePrivateKey(pem: string): Promise<CryptoKey> {
  const [block = pem] = /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----[^-]+-----END ([A-Z]+ )?PRIVATE KEY-----/.exec(pem) ?? [];
  const key = createPrivateKey(block);
  const der = key.export({ type: "pkcs8", format: "der" });
  return await webcrypto.subtle.importKey("pkcs8", new Uint8Array(der), parametersOf(key), true, ["sign"]);
}

export function certificatePem(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

/** Whether a private key is the one that a certificate was made for. */
export function isKeyOf(certificate: x509.X509Certificate, privateKey: CryptoKey): boolean {
  return new X509Certificate(new Uint8Array(certificate.rawData)).checkPrivateKey(KeyObject.from(privateKey));
}
