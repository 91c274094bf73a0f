import { rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..", "..");

/** An ESM bundle has no `require`, which bundled CommonJS packages call. */
const banner = 'import { createRequire as $require } from "node:module"; const require = $require(import.meta.url);';

/**
 * Bundles the `outrigger` command into `folder`: `outrigger.mjs` and the chunks it loads when a subcommand needs them.
 * Returns the npm packages that went in, as folder names below node_modules, sorted.
 */
export async function bundle(folder: string): Promise<string[]> {
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { outrigger: "cli/main.ts" },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // Identifiers stay: names in errors and profiles are true without wrapping each closure to keep them.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    banner: { js: banner },
    logLevel: "warning",
    metafile: true,
  });
  const packages = Object.keys(metafile.inputs).flatMap((input) => {
    const found = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    return found === null ? [] : [found[0].replace(/\/$/, "")];
  });
  return [...new Set(packages)].sort();
}
