import type { Authority } from "../../host/x509.ts";

/**
 * What is signed with and what is trusted. While a root is replaced, both the old and the new one are trusted, before the
 * first certificate of the new one is signed and until the last of the old one has ended.
 */
export interface MeshAuthority {
  /** It ends when the first certificate ends that its own need. */
  readonly signer: Authority;
  /** Certificates between the signer and a root, the signer's own first; empty when the signer is a root. As PEM. */
  readonly chain: string;
  /** Every root that is trusted, as PEM. */
  readonly roots: string;
}
