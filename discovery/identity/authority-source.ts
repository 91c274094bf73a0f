import { watch } from "node:fs";
import type { Authority } from "../../host/x509.ts";
import {
  type AuthorityMaterial,
  createMaterial,
  readAuthority,
  readMaterial,
  readServingAuthority,
  writeMaterial,
  writeServingAuthority,
} from "./authority-files.ts";
import type { MeshAuthority } from "./mesh-authority.ts";

/** Where the authority is kept: read at the start, and again whenever it changes there. */
export interface AuthoritySource {
  readonly authority: MeshAuthority;
  /** What signs discovery's own certificate, if that is not the mesh's authority. */
  readonly serving: Authority | undefined;
  /** Tells of every later authority; one that cannot be used is told as an error, and the old one stays. */
  follow(onChange: (authority: MeshAuthority) => void, onError: (error: unknown) => void): void;
  close(): void;
}

/** Changes of several files come together. */
const settleMs = 200;

function sameMaterial(one: AuthorityMaterial, other: AuthorityMaterial): boolean {
  return one.certificate === other.certificate && one.chain === other.chain && one.roots === other.roots;
}

/**
 * A folder with the authority's files, such as a mounted Secret.
 * @param create whether a root of our own is made when the folder has none
 * @throws OutriggerError BAD_CONFIGURATION
 */
export async function authorityFolder(folder: string, trustDomain: string, create: boolean): Promise<AuthoritySource> {
  let material = await readMaterial(folder);
  if (material === undefined && create) {
    material = await createMaterial(trustDomain);
    await writeMaterial(folder, material);
  }
  const serving = (await readServingAuthority(folder)) ?? (create ? await writeServingAuthority(folder) : undefined);
  let known: AuthorityMaterial = material ?? { certificate: "", privateKey: "", chain: "", roots: "" };
  const authority = await readAuthority(known, folder);
  let timer: NodeJS.Timeout | undefined;
  let watcher: ReturnType<typeof watch> | undefined;

  async function readAgain(onChange: (authority: MeshAuthority) => void): Promise<void> {
    const next = await readMaterial(folder);
    if (next === undefined || sameMaterial(known, next)) return;
    onChange(await readAuthority(next, folder));
    known = next;
  }

  return {
    authority,
    serving,
    follow(onChange, onError) {
      watcher = watch(folder, () => {
        clearTimeout(timer);
        timer = setTimeout(() => void readAgain(onChange).catch(onError), settleMs);
      });
    },
    close() {
      clearTimeout(timer);
      watcher?.close();
    },
  };
}
