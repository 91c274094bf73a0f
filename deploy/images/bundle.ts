import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";

const root = join(import.meta.dirname, "..", "..");
const compiler = join(import.meta.dirname, "compile.ts");

/** An ESM bundle has no `require`, which bundled CommonJS packages call. */
const banner = 'import { createRequire as $require } from "node:module"; const require = $require(import.meta.url);';

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node24",
  // Identifiers stay: names in errors and profiles are true without wrapping each closure to keep them.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
} satisfies BuildOptions;

/** The npm packages that went in, as folder names below node_modules, sorted. */
function packagesOf(metafiles: readonly Metafile[]): string[] {
  const packages = metafiles
    .flatMap(({ inputs }) => Object.keys(inputs))
    .flatMap((input) => {
      const found = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
      return found === null ? [] : [found[0].replace(/\/$/, "")];
    });
  return [...new Set(packages)].sort();
}

/**
 * Bundles the `outrigger` command into `folder`: `outrigger.mjs` and the chunks it loads when a subcommand needs them.
 * Returns the npm packages that went in, as folder names below node_modules, sorted.
 */
export async function bundle(folder: string): Promise<string[]> {
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    ...common,
    entryPoints: { outrigger: "cli/main.ts" },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    splitting: true,
    format: "esm",
    banner: { js: banner },
  });
  return packagesOf([metafile]);
}

/** Most Pods' init reads no YAML, which is as large as all the rest. */
const yamlApart: Plugin = {
  name: "yaml-apart",
  setup: ({ onResolve }) => onResolve({ filter: /^yaml$/ }, () => ({ path: "./yaml.cjs", external: true })),
};

/** CommonJS, which one script can hold whole. */
const forInit = {
  ...common,
  format: "cjs",
  charset: "ascii",
  supported: { "dynamic-import": false },
} satisfies BuildOptions;

/**
 * Bundles what the init image has of the `outrigger` command into `folder`: `outrigger.cjs`, which starts `init.js` from
 * its compiled form. Returns the npm packages that went in.
 */
export async function bundleInit(folder: string): Promise<string[]> {
  await rm(folder, { recursive: true, force: true });
  const init = join(folder, "init.js");
  const results = await Promise.all([
    build({ ...forInit, entryPoints: ["cli/start-compiled.ts"], outfile: join(folder, "outrigger.cjs") }),
    build({ ...forInit, entryPoints: ["yaml"], outfile: join(folder, "yaml.cjs") }),
    build({
      ...forInit,
      entryPoints: ["cli/main-init.ts"],
      outfile: init,
      plugins: [yamlApart],
      banner: { js: "(function(require){" },
      footer: { js: "})" },
    }),
  ]);
  await promisify(execFile)(process.execPath, ["--hash-seed=1", compiler, init], { env: {} });
  return packagesOf(results.map(({ metafile }) => metafile));
}
