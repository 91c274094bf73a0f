import { createAuthority } from "../../host/x509.ts";
import { type Succession, succeedAuthority } from "../../host/x509-succession.ts";
import type { MeshAuthority } from "./mesh-authority.ts";

/** What a Secret or a folder holds of an authority, as PEM; empty where it holds nothing. */
export interface AuthorityMaterial {
  readonly certificate: string;
  readonly privateKey: string;
  /** Sent along with what the authority signs. */
  readonly chain: string;
  /** Every root that is trusted. */
  readonly roots: string;
}

/** By which keys of a Secret, or files of a folder, the parts go. */
export type MaterialNames = Readonly<Record<keyof AuthorityMaterial, string>>;

export const materialParts = ["privateKey", "chain", "roots", "certificate"] as const;

/** The mesh's authority, by the names that Istio gives the keys of its Secret `cacerts`. */
export const authorityFiles: MaterialNames = {
  certificate: "ca-cert.pem",
  privateKey: "ca-key.pem",
  /** Certificates between the authority's own and a root; may be left out when there are none. */
  chain: "cert-chain.pem",
  roots: "root-cert.pem",
};

/**
 * Discovery's own root, which its serving certificate leads to. It is another than the mesh's: the bootstrap of every
 * running Pod holds it, and must not lose discovery when the mesh's root is replaced.
 */
export const servingFiles: MaterialNames = {
  certificate: "discovery-ca-cert.pem",
  privateKey: "discovery-ca-key.pem",
  /** The root as signed by the roots before it, for Pods that know only one of those. */
  chain: "discovery-ca-chain.pem",
  /** What new Pods know discovery by. */
  roots: "discovery-root-cert.pem",
};

const tenYearsMs = 10 * 365 * 24 * 3_600_000;

async function newRoot(commonName: string): Promise<AuthorityMaterial> {
  const { pem } = await createAuthority({ commonName, lifetimeMs: tenYearsMs });
  return { ...pem, chain: "", roots: pem.certificate };
}

/** A root of the mesh of our own. */
export async function newMeshRoot(trustDomain: string): Promise<AuthorityMaterial> {
  return await newRoot(`Outrigger root of ${trustDomain}`);
}

/** Discovery's own root: the successor of the one before, if that is still at hand. */
export async function newServingRoot(before: MeshAuthority | undefined): Promise<AuthorityMaterial> {
  if (before === undefined) return await newRoot("Outrigger discovery");
  return successorOf(before, await succeedAuthority(before.signer, tenYearsMs));
}

function successorOf(before: MeshAuthority, { authority, crossCertificate }: Succession): AuthorityMaterial {
  const { certificate, privateKey } = authority.pem;
  return {
    certificate,
    privateKey,
    chain: `${crossCertificate}${before.chain}`,
    roots: `${certificate}${before.roots}`,
  };
}
