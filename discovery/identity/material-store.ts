import type { AuthorityMaterial } from "./authority-files.ts";

/** A place that holds an authority's material. */
export interface MaterialStore {
  /** For errors: `Secret outrigger-system/outrigger-ca`. */
  readonly place: string;
  /** Undefined when there is no certificate. */
  read(): Promise<AuthorityMaterial | undefined>;
  /** Puts it where there is none. Of several replicas one is the first: what stands there afterwards is returned. */
  create(material: AuthorityMaterial): Promise<AuthorityMaterial>;
  /** Puts it in the place of what was read last, unless another replica was faster; what stands there afterwards. */
  replace(material: AuthorityMaterial): Promise<AuthorityMaterial>;
  /** Calls `look` whenever what is there may have changed. The function returned ends it. */
  watch(look: () => Promise<void>): () => void;
}
