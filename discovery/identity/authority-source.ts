import { OutriggerError } from "../../mesh/errors.ts";
import {
  type AuthorityMaterial,
  authorityFiles,
  newMeshRoot,
  newServingRoot,
  servingFiles,
} from "./authority-files.ts";
import { materialFolder } from "./material-folder.ts";
import type { MaterialStore } from "./material-store.ts";
import type { MeshAuthority } from "./mesh-authority.ts";
import { readAuthority, readServingRoot } from "./read-authority.ts";

/** An authority that is read at the start, and again whenever it changes where it is kept. */
export interface FollowedAuthority {
  readonly authority: MeshAuthority;
  /** Tells of every later authority; one that cannot be used is told as an error, and the old one stays. */
  follow(onChange: (authority: MeshAuthority) => void, onError: (error: unknown) => void): void;
  close(): void;
}

/** The two authorities of discovery. */
export interface AuthoritySource extends FollowedAuthority {
  /** What signs discovery's own certificate, if that is not the mesh's authority. */
  readonly serving: FollowedAuthority | undefined;
}

interface Kept {
  readonly store: MaterialStore;
  readonly read: (material: AuthorityMaterial) => Promise<MeshAuthority>;
  /** Makes it where there is none; throws when that is not to be. */
  readonly make: (before: MeshAuthority | undefined) => Promise<AuthorityMaterial>;
  /** Whether it is time for its successor. */
  readonly isOld: (authority: MeshAuthority, now: Date) => boolean;
}

/** @throws OutriggerError BAD_CONFIGURATION when what is there cannot be used */
async function follow({ store, read, make, isOld }: Kept): Promise<FollowedAuthority> {
  let material = (await store.read()) ?? (await store.create(await make(undefined)));
  let current = await read(material);
  let stop: () => void = () => undefined;

  /** What is there now, once whatever must be made is made. */
  async function found(): Promise<AuthorityMaterial> {
    const there = await store.read();
    if (there === undefined) return await store.create(await make(current));
    // What another replica has put there is taken first, so that there is one successor.
    const isSame = JSON.stringify(there) === JSON.stringify(material);
    return isSame && isOld(current, new Date()) ? await store.replace(await make(current)) : there;
  }

  return {
    authority: current,
    follow(onChange, onError) {
      let lastError = "";
      const look = async () => {
        try {
          const next = await found();
          if (JSON.stringify(next) === JSON.stringify(material)) return;
          current = await read(next);
          material = next;
          onChange(current);
          lastError = "";
        } catch (error) {
          if ((error as Error).message !== lastError) onError(error);
          lastError = (error as Error).message;
        }
      };
      // One at a time: the next one sees what this one has made.
      let looking = Promise.resolve();
      stop = store.watch(() => {
        looking = looking.then(look);
        return looking;
      });
    },
    close: () => stop(),
  };
}

/** The mesh's authority. Once it is there, only people replace it. */
async function meshAuthority(store: MaterialStore, trustDomain: string, create: boolean): Promise<FollowedAuthority> {
  return await follow({
    store,
    read: (material) => readAuthority(material, { place: store.place, trustDomain }),
    isOld: () => false,
    async make(before) {
      if (before === undefined && create) return await newMeshRoot(trustDomain);
      const remedy = "put it back, or see `Replace the root` in the documentation of identity";
      const problem = { field: `${store.place} ${authorityFiles.certificate}`, message: "is not there", remedy };
      throw new OutriggerError("BAD_CONFIGURATION", [problem]);
    },
  });
}

/** A successor is made after two thirds of a root's life: Pods that know only the old one have the last third to go. */
function isOld({ signer: { notBefore, notAfter } }: MeshAuthority, now: Date): boolean {
  const left = notAfter.getTime() - now.getTime();
  return left < (notAfter.getTime() - notBefore.getTime()) / 3;
}

/** Discovery's own root. One that is old or taken away gets a successor, which it signs. */
async function servingAuthority(store: MaterialStore): Promise<FollowedAuthority> {
  const read = (material: AuthorityMaterial) => readServingRoot(material, { place: store.place });
  return await follow({ store, read, isOld, make: newServingRoot });
}

/**
 * A folder with the files of both authorities, such as a mounted Secret.
 * @param create whether what the folder does not have is made
 * @throws OutriggerError BAD_CONFIGURATION
 */
export async function authorityFolder(folder: string, trustDomain: string, create: boolean): Promise<AuthoritySource> {
  const serving = materialFolder(folder, servingFiles);
  const hasServing = create || (await serving.read()) !== undefined;
  const mesh = materialFolder(folder, authorityFiles);
  return await storedAuthorities(mesh, hasServing ? serving : undefined, { trustDomain, create });
}

/** Both authorities in stores of their own. @throws OutriggerError BAD_CONFIGURATION */
export async function storedAuthorities(
  mesh: MaterialStore,
  serving: MaterialStore | undefined,
  { trustDomain, create }: { readonly trustDomain: string; readonly create: boolean },
): Promise<AuthoritySource> {
  const authority = await meshAuthority(mesh, trustDomain, create);
  return { ...authority, serving: serving && (await servingAuthority(serving)) };
}
