import "reflect-metadata"; // @peculiar/x509's dependency injection needs it loaded first
import * as x509 from "@peculiar/x509";
import { OutriggerError } from "../mesh/errors.ts";
import {
  type CertificatePem,
  type CryptoKey,
  certificatePem,
  generateKeys,
  isKeyOf,
  type KeyAlgorithm,
  parsePrivateKey,
  privateKeyPem,
  signatureOf,
} from "./x509-keys.ts";
import { alternativeNames, type SubjectNames } from "./x509-names.ts";

/** Certificates are valid from a little before now, since the clocks of a cluster's nodes differ. */
const clockSkewMs = 5 * 60_000;

/** When a certificate that was made here was made. */
export function issueTime({ notBefore }: { readonly notBefore: Date }): Date {
  return new Date(notBefore.getTime() + clockSkewMs);
}

/** A certificate authority, ready to sign. */
export interface Authority {
  readonly pem: CertificatePem;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly certificate: x509.X509Certificate;
  readonly signingKey: CryptoKey;
}

export interface AuthorityOptions {
  readonly commonName: string;
  readonly lifetimeMs: number;
  /** Now, unless given. */
  readonly now?: Date;
}

export interface LeafOptions {
  readonly names: SubjectNames;
  readonly lifetimeMs: number;
  /** What the certificate may prove in a TLS handshake. */
  readonly usages: readonly ("server" | "client")[];
  /** Of a key that is made for it: ECDSA unless given. */
  readonly keyAlgorithm?: KeyAlgorithm;
  readonly now?: Date;
  /** A little before now, unless given. */
  readonly notBefore?: Date;
}

export interface IssuedCertificate extends CertificatePem {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const usageOids = { server: x509.ExtendedKeyUsage.serverAuth, client: x509.ExtendedKeyUsage.clientAuth } as const;

export function earlier(one: Date, other: Date): Date {
  return new Date(Math.min(one.getTime(), other.getTime()));
}

export function validity(lifetimeMs: number, now = new Date()): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now.getTime() - clockSkewMs), notAfter: new Date(now.getTime() + lifetimeMs) };
}

/** Creates a self-signed authority that signs leaf certificates only. */
export async function createAuthority({ commonName, lifetimeMs, now }: AuthorityOptions): Promise<Authority> {
  return await createNamedAuthority(new x509.Name([{ CN: [commonName] }]), validity(lifetimeMs, now));
}

/** What makes a certificate an authority's that signs leaf certificates only (path length 0). */
export async function authorityExtensions(publicKey: x509.PublicKeyType): Promise<x509.Extension[]> {
  return [
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
  ];
}

/** The same under any name. */
export async function createNamedAuthority(name: x509.Name, dates: ReturnType<typeof validity>): Promise<Authority> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    ...dates,
    signingAlgorithm: signatureOf(keys.privateKey),
    keys,
    extensions: await authorityExtensions(keys.publicKey),
  });
  return authority(certificate, keys.privateKey, await privateKeyPem(keys.privateKey));
}

function authority(certificate: x509.X509Certificate, signingKey: CryptoKey, privateKey: string): Authority {
  const { notBefore, notAfter } = certificate;
  return {
    pem: { certificate: certificatePem(certificate), privateKey },
    notBefore,
    notAfter,
    certificate,
    signingKey,
  };
}

/**
 * Reads an authority back from PEM.
 * @param source where the PEM stands, for the error: `Secret outrigger-system/outrigger-ca`
 * @throws OutriggerError BAD_CONFIGURATION when a part cannot be read, the two do not belong together, or it is no authority
 */
export async function loadAuthority({ certificate, privateKey }: CertificatePem, source: string): Promise<Authority> {
  try {
    const parsed = new x509.X509Certificate(certificate);
    if (!parsed.getExtension(x509.BasicConstraintsExtension)?.ca)
      throw new Error("the certificate is not an authority's");
    const signingKey = await parsePrivateKey(privateKey);
    if (!isKeyOf(parsed, signingKey)) throw new Error("the private key is not the certificate's");
    return authority(parsed, signingKey, privateKey);
  } catch (cause) {
    const problem = {
      field: source,
      message: `holds no usable certificate authority: ${(cause as Error).message}`,
      remedy: "give an authority's certificate and its private key, ECDSA on P-256 or P-384 or RSA, both as PEM",
    };
    throw new OutriggerError("BAD_CONFIGURATION", [problem], { cause });
  }
}

/**
 * Signs a certificate for a public key that somebody else keeps the private half of. The subject stays empty. It never
 * outlives the authority.
 */
export async function signLeaf(
  issuer: Authority,
  publicKey: x509.PublicKeyType,
  { names, lifetimeMs, usages, now, notBefore }: LeafOptions,
): Promise<x509.X509Certificate> {
  const { notBefore: usual, notAfter } = validity(lifetimeMs, now);
  return await x509.X509CertificateGenerator.create({
    issuer: issuer.certificate.subjectName,
    notBefore: notBefore ?? usual,
    notAfter: earlier(notAfter, issuer.notAfter),
    signingKey: issuer.signingKey,
    signingAlgorithm: signatureOf(issuer.signingKey),
    publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages.map((usage) => usageOids[usage])),
      alternativeNames(names),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
}

/** Makes a key and a certificate for it, signed by `issuer`. */
export async function issueCertificate(issuer: Authority, options: LeafOptions): Promise<IssuedCertificate> {
  const keys = await generateKeys(options.keyAlgorithm);
  const certificate = await signLeaf(issuer, keys.publicKey, options);
  const { notBefore, notAfter } = certificate;
  return {
    certificate: certificatePem(certificate),
    privateKey: await privateKeyPem(keys.privateKey),
    notBefore,
    notAfter,
  };
}

/** Makes the certificate of a server that is reached by these names. */
export async function issueServingCertificate(
  issuer: Authority,
  options: Omit<LeafOptions, "usages">,
): Promise<IssuedCertificate> {
  return await issueCertificate(issuer, { ...options, usages: ["server"] });
}
