import { X509Certificate } from "node:crypto";
import { lastEnd } from "../../host/last-end.ts";
import { type Authority, earlier, loadAuthority } from "../../host/x509.ts";
import { OutriggerError, type Problem } from "../../mesh/errors.ts";
import { certificatesOf, certificatesText } from "../../mesh/pem.ts";
import { spiffeId } from "../translate/tls.ts";
import { type AuthorityMaterial, authorityFiles, type MaterialNames, servingFiles } from "./authority-files.ts";
import { tryAuthority } from "./authority-trial.ts";
import type { MeshAuthority } from "./mesh-authority.ts";

type Complaint = Pick<Problem, "message" | "remedy">;

/** What the verifier's verdicts mean for whoever put the authority there. */
const verdicts: readonly (readonly [verdict: RegExp, complaint: Complaint])[] = [
  [
    /issuer certificate|first certificate|self-signed/,
    {
      message: "leads to no certificate in root-cert.pem",
      remedy: "put the certificates between it and the root into cert-chain.pem, and the root into root-cert.pem",
    },
  ],
  [
    /path length/,
    {
      message: "is below an authority whose path length allows no other below it",
      remedy: "have it signed by an authority whose path length is one more, or without a limit",
    },
  ],
  [
    /CA cert|certificate signing/,
    {
      message: "may not sign certificates, or one above it may not",
      remedy: "give each of them basicConstraints CA:TRUE and keyUsage keyCertSign",
    },
  ],
  [
    /purpose/i,
    {
      message: "is limited to other purposes than servers and clients of TLS",
      remedy: "have it signed without extendedKeyUsage, or with serverAuth and clientAuth",
    },
  ],
  [
    /subtree/,
    {
      message: "may not sign identities of this trust domain",
      remedy: "have its name constraints permit the trust domain, or start discovery with --trust-domain",
    },
  ],
];

function complaintOf(verdict: string): Complaint {
  const [, complaint] = verdicts.find(([pattern]) => pattern.test(verdict)) ?? [];
  return complaint ?? { message: `signs what nobody believes: ${verdict}` };
}

function refuse(field: string, complaint: Complaint, value?: string): OutriggerError {
  return new OutriggerError("BAD_CONFIGURATION", [{ field, ...(value !== undefined && { value }), ...complaint }]);
}

/** What must be there, and what must be valid now, part by part. */
function checkParts(material: AuthorityMaterial, names: MaterialNames, place: string, now: Date): void {
  for (const part of ["certificate", "privateKey"] as const) {
    if (material[part].trim() === "") {
      const remedy = `give ${names.certificate} and ${names.privateKey}, both as PEM`;
      throw refuse(`${place} ${names[part]}`, { message: "is missing or empty", remedy });
    }
  }
  for (const part of ["certificate", "chain"] as const) {
    for (const { subject, validFromDate, validToDate } of certificatesOf(material[part]).map(
      parse(place, names[part]),
    )) {
      const remedy = "give one that is valid now, or look at this machine's clock";
      const field = `${place} ${names[part]}`;
      if (validToDate <= now)
        throw refuse(field, { message: `ended at ${validToDate.toISOString()}`, remedy }, subject);
      if (validFromDate <= now) continue;
      throw refuse(field, { message: `is not valid before ${validFromDate.toISOString()}`, remedy }, subject);
    }
  }
}

function parse(place: string, name: string): (pem: string) => X509Certificate {
  return (pem) => {
    try {
      return new X509Certificate(pem);
    } catch (error) {
      const message = `holds a certificate that cannot be read: ${(error as Error).message}`;
      throw refuse(`${place} ${name}`, { message, remedy: "give certificates as PEM" });
    }
  };
}

async function loadSigner(material: AuthorityMaterial, names: MaterialNames, place: string): Promise<Authority> {
  const [own = material.certificate] = certificatesOf(material.certificate);
  const pair = { certificate: own, privateKey: material.privateKey };
  return await loadAuthority(pair, `${place} ${names.certificate} with ${names.privateKey}`);
}

/** The signer, ending with the first certificate that those it signs need. */
function endingWith(signer: Authority, chain: readonly string[], roots: readonly string[]): Authority {
  const endOf = (pem: string) => new X509Certificate(pem).validToDate;
  return { ...signer, notAfter: [...chain.map(endOf), lastEnd(roots)].reduce(earlier, signer.notAfter) };
}

/** An authority's certificate that says which trust domain it is for must mean ours. */
function checkTrustDomain(certificate: string, trustDomain: string, field: string): void {
  const { subjectAltName = "" } = new X509Certificate(certificate);
  const [, named = trustDomain] = /URI:spiffe:\/\/([^/,\s"]+)/.exec(subjectAltName) ?? [];
  if (named === trustDomain) return;
  const remedy = `give an authority for ${trustDomain}, or start discovery with --trust-domain ${named}`;
  throw refuse(field, { message: `is for the trust domain ${named}, not ${trustDomain}`, remedy });
}

/**
 * The mesh's authority, checked: its key is its certificate's, it may sign, and what it signs for the trust domain is
 * believed by those who have the roots.
 * @param place where it stands, for the error: `Secret outrigger-system/outrigger-ca`
 * @throws OutriggerError BAD_CONFIGURATION
 */
export async function readAuthority(
  material: AuthorityMaterial,
  { place, trustDomain, now = new Date() }: { place: string; trustDomain: string; now?: Date },
): Promise<MeshAuthority> {
  checkParts(material, authorityFiles, place, now);
  const signer = await loadSigner(material, authorityFiles, place);
  const roots = certificatesOf(material.roots);
  roots.forEach(parse(place, authorityFiles.roots));
  if (roots.length === 0) {
    const remedy = "give every root that is to be trusted, as PEM";
    throw refuse(`${place} ${authorityFiles.roots}`, { message: "holds no certificate", remedy });
  }
  const [own = ""] = certificatesOf(material.certificate);
  const field = `${place} ${authorityFiles.certificate}`;
  checkTrustDomain(own, trustDomain, field);
  const between = certificatesOf(material.chain).filter((pem) => pem !== own && !roots.includes(pem));
  const chain = roots.includes(own) ? [] : [own, ...between];
  const authority = { signer, chain: certificatesText(chain), roots: certificatesText(roots) };
  const verdict = await tryAuthority(authority, spiffeId(trustDomain, "default", "default"));
  if (verdict !== undefined) throw refuse(field, complaintOf(verdict));
  return { ...authority, signer: endingWith(signer, chain, roots) };
}

/**
 * Discovery's own root. What has ended of the roots before it is left out.
 * @throws OutriggerError BAD_CONFIGURATION
 */
export async function readServingRoot(
  material: AuthorityMaterial,
  { place, now = new Date() }: { place: string; now?: Date },
): Promise<MeshAuthority> {
  const isValid = (part: "chain" | "roots") => (pem: string) =>
    parse(place, servingFiles[part])(pem).validToDate.getTime() > now.getTime();
  checkParts({ ...material, chain: "" }, servingFiles, place, now);
  const signer = await loadSigner(material, servingFiles, place);
  const [own = ""] = certificatesOf(material.certificate);
  const earlierRoots = certificatesOf(material.roots).filter((pem) => pem !== own);
  return {
    signer,
    chain: certificatesText(certificatesOf(material.chain).filter(isValid("chain"))),
    roots: certificatesText([own, ...earlierRoots.filter(isValid("roots"))]),
  };
}
