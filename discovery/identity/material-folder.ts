import { watch } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type AuthorityMaterial, type MaterialNames, materialParts } from "./authority-files.ts";
import type { MaterialStore } from "./material-store.ts";

/** Changes of several files come together. */
const settleMs = 200;

/** What grows old changes by itself. */
const pollMs = 3_600_000;

async function optional(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

/** An authority in a folder, such as a mounted Secret. */
export function materialFolder(folder: string, names: MaterialNames): MaterialStore {
  const pathOf = (part: keyof AuthorityMaterial) => join(folder, names[part]);

  /** The certificate comes last: a folder with a certificate is whole. Only the owner can read the key. */
  async function write(material: AuthorityMaterial): Promise<AuthorityMaterial> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const part of materialParts) {
      await writeFile(`${pathOf(part)}.new`, material[part], { mode: part === "privateKey" ? 0o600 : 0o644 });
      await rename(`${pathOf(part)}.new`, pathOf(part));
    }
    return material;
  }

  return {
    place: folder,
    async read() {
      const certificate = await optional(pathOf("certificate"));
      if (certificate === "") return undefined;
      const [privateKey, chain, roots] = await Promise.all([
        optional(pathOf("privateKey")),
        optional(pathOf("chain")),
        optional(pathOf("roots")),
      ]);
      return { certificate, privateKey, chain, roots };
    },
    create: write,
    replace: write,
    watch(look) {
      let timer: NodeJS.Timeout | undefined;
      const watcher = watch(folder, () => {
        clearTimeout(timer);
        timer = setTimeout(look, settleMs);
      });
      const poll = setInterval(look, pollMs).unref();
      return () => {
        clearTimeout(timer);
        clearInterval(poll);
        watcher.close();
      };
    },
  };
}
