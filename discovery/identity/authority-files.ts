import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Authority, createAuthority, loadAuthority } from "../../host/x509.ts";
import type { MeshAuthority } from "./mesh-authority.ts";

/** The files of an authority, by the names that Istio gives the keys of its Secret `cacerts`. */
export const authorityFiles = {
  certificate: "ca-cert.pem",
  privateKey: "ca-key.pem",
  /** Certificates between the authority's own and a root; may be left out when there are none. */
  chain: "cert-chain.pem",
  /** Every root that is trusted. */
  roots: "root-cert.pem",
} as const;

/**
 * Discovery's own root, which its serving certificate leads to. It is another than the mesh's: the bootstrap of every
 * running Pod holds it, and must not lose discovery when the mesh's root is replaced.
 */
export const servingFiles = { certificate: "discovery-ca-cert.pem", privateKey: "discovery-ca-key.pem" } as const;

/** What a Secret or a folder of the authority holds, as text. */
export interface AuthorityMaterial {
  readonly certificate: string;
  readonly privateKey: string;
  readonly chain: string;
  readonly roots: string;
}

const tenYearsMs = 10 * 365 * 24 * 3_600_000;

/** A new root of our own. */
export async function createMaterial(trustDomain: string): Promise<AuthorityMaterial> {
  const { pem } = await createAuthority({ commonName: `Outrigger root of ${trustDomain}`, lifetimeMs: tenYearsMs });
  return { ...pem, chain: "", roots: pem.certificate };
}

/** Certificates of a PEM text, each trimmed. */
function certificatesOf(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

/**
 * The authority, checked: its key is its certificate's, and it is one that may sign.
 * @param source where it stands, for the error
 * @throws OutriggerError BAD_CONFIGURATION
 */
export async function readAuthority(material: AuthorityMaterial, source: string): Promise<MeshAuthority> {
  const signer = await loadAuthority(material, source);
  const roots = certificatesOf(material.roots);
  const [own = ""] = certificatesOf(material.certificate);
  const isRoot = roots.includes(own);
  const between = certificatesOf(material.chain);
  const chain = isRoot
    ? []
    : [own, ...between.filter((certificate) => certificate !== own && !roots.includes(certificate))];
  const text = (certificates: string[]) => certificates.map((certificate) => `${certificate}\n`).join("");
  return { signer, chain: text(chain), roots: text(roots) };
}

async function optional(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** Reads a folder of the authority's files; undefined if there is no certificate in it. */
export async function readMaterial(folder: string): Promise<AuthorityMaterial | undefined> {
  const certificate = await optional(join(folder, authorityFiles.certificate));
  if (certificate === "") return undefined;
  return {
    certificate,
    privateKey: await optional(join(folder, authorityFiles.privateKey)),
    chain: await optional(join(folder, authorityFiles.chain)),
    roots: await optional(join(folder, authorityFiles.roots)),
  };
}

/** Discovery's own root; undefined if the folder has none: then the mesh's authority signs for discovery as well. */
export async function readServingAuthority(folder: string): Promise<Authority | undefined> {
  const certificate = await optional(join(folder, servingFiles.certificate));
  if (certificate === "") return undefined;
  const privateKey = await optional(join(folder, servingFiles.privateKey));
  return await loadAuthority({ certificate, privateKey }, join(folder, servingFiles.certificate));
}

/** Makes discovery's own root. */
export async function writeServingAuthority(folder: string): Promise<Authority> {
  const authority = await createAuthority({ commonName: "Outrigger discovery", lifetimeMs: tenYearsMs });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, servingFiles.privateKey), authority.pem.privateKey, { mode: 0o600 });
  await writeFile(join(folder, servingFiles.certificate), authority.pem.certificate, { mode: 0o644 });
  return authority;
}

/** Writes the files, the certificate last: a folder with a certificate is whole. Only the owner can read the key. */
export async function writeMaterial(folder: string, material: AuthorityMaterial): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const key of ["privateKey", "chain", "roots", "certificate"] as const) {
    const path = join(folder, authorityFiles[key]);
    await writeFile(`${path}.new`, material[key], { mode: key === "privateKey" ? 0o600 : 0o644 });
    await rename(`${path}.new`, path);
  }
}
