/**
 * Generates `discovery/proto` from Envoy's .proto files: `make generate` writes it, `make test` runs this with `--check`,
 * which writes nothing and fails when what is committed is not what would be generated.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { copyProtos, leftOut, messages } from "./envoy-protos.ts";

const project = join(import.meta.dirname, "..");
const output = join(project, "discovery", "proto");
const protoPackage = join(project, "node_modules", "@grpc", "grpc-js-xds");
const bin = join(project, "node_modules", ".bin");

function buf(folder: string, args: readonly string[]): void {
  execFileSync(join(bin, "buf"), args, {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, PATH: `${bin}:${process.env.PATH ?? ""}` },
  });
}

/** Without source info there are no comments: they are three quarters of the generated text. */
async function generate(folder: string): Promise<string> {
  const protos = join(folder, "protos");
  await copyProtos(protoPackage, protos);
  const target = join(folder, "generated");
  const template = {
    version: "v2",
    plugins: [
      {
        local: "protoc-gen-es",
        out: target,
        include_imports: true,
        opt: ["target=js+dts", "import_extension=js"],
      },
    ],
    inputs: [{ binary_image: "image.binpb", types: messages, exclude_types: leftOut }],
  };
  writeFileSync(join(folder, "buf.yaml"), JSON.stringify({ version: "v2", modules: [{ path: "protos" }] }));
  writeFileSync(join(folder, "buf.gen.yaml"), JSON.stringify(template));
  buf(folder, ["build", "--exclude-source-info", "-o", "image.binpb"]);
  buf(folder, ["generate", "--template", "buf.gen.yaml"]);
  return target;
}

function filesBelow(folder: string): Map<string, string> {
  if (!existsSync(folder)) return new Map();
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(folder, path), readFileSync(path, "utf8")];
    }),
  );
}

function differences(committed: Map<string, string>, fresh: Map<string, string>): string[] {
  const names = new Set([...committed.keys(), ...fresh.keys()]);
  return [...names].filter((name) => committed.get(name) !== fresh.get(name)).sort();
}

const folder = mkdtempSync(join(tmpdir(), "outrigger-protos-"));
try {
  const fresh = await generate(folder);
  if (process.argv.includes("--check")) {
    const stale = differences(filesBelow(output), filesBelow(fresh));
    if (stale.length > 0) {
      process.stderr.write(`discovery/proto is not what \`make generate\` writes:\n  ${stale.join("\n  ")}\n`);
      process.exitCode = 1;
    }
  } else {
    rmSync(output, { recursive: true, force: true });
    execFileSync("cp", ["-r", fresh, output]);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
