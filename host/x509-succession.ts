import * as x509 from "@peculiar/x509";
import { type Authority, authorityExtensions, createNamedAuthority, earlier, validity } from "./x509.ts";
import { certificatePem, signatureOf } from "./x509-keys.ts";

/** An authority that takes another's place without anybody's losing a server that it signs for. */
export interface Succession {
  readonly authority: Authority;
  /**
   * The new authority's name and key, signed by the one before, as PEM. A server that sends it along is believed by those
   * who know the one before only, until that ends.
   */
  readonly crossCertificate: string;
}

/**
 * Makes a new authority under the name of the one before. The name must be the same: a path length does not count
 * certificates that an authority has made for itself (RFC 5280 4.2.1.9), and ours allow no other authority below them.
 */
export async function succeedAuthority(before: Authority, lifetimeMs: number, now?: Date): Promise<Succession> {
  const name = before.certificate.subjectName;
  const { notBefore, notAfter } = validity(lifetimeMs, now);
  const authority = await createNamedAuthority(name, { notBefore, notAfter });
  const { publicKey } = authority.certificate;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: name,
    issuer: name,
    notBefore,
    notAfter: earlier(notAfter, before.notAfter),
    signingKey: before.signingKey,
    signingAlgorithm: signatureOf(before.signingKey),
    publicKey,
    extensions: [
      ...(await authorityExtensions(publicKey)),
      await x509.AuthorityKeyIdentifierExtension.create(before.certificate.publicKey),
    ],
  });
  return { authority, crossCertificate: certificatePem(certificate) };
}
