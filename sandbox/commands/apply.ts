import { Command } from "commander";
import { readManifestFiles } from "../../host/manifest-files.ts";
import { OutriggerError } from "../../mesh/errors.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { readManifest } from "../manifest/read.ts";
import { parseObjects } from "../manifest/yaml.ts";
import { askApply } from "../run/control-client.ts";
import { collect, withName } from "./options.ts";

interface Options {
  readonly name: string;
  readonly namespace: string;
  readonly filename: readonly string[];
}

const examples = `
Examples:
  outrigger sandbox apply -f strict.yaml

A policy takes the place of the one of the same name. Everything else is given to: outrigger sandbox up
`;

function checkPoliciesOnly({ policies, ...others }: Manifest, files: readonly string[]): void {
  const { namespaces: _, ...strangers } = others;
  const isOther = Object.values(strangers).some((objects) => objects.length > 0);
  if (policies.length > 0 && !isOther) return;
  const message = isOther ? "holds more than policies" : "holds no policy";
  const remedy = "apply PeerAuthentications; other objects are given to: outrigger sandbox up";
  throw new OutriggerError("BAD_OBJECT", [{ field: "--filename", value: files.join(", "), message, remedy }]);
}

async function run({ name, namespace, filename }: Options): Promise<void> {
  const manifest = readManifest(parseObjects(await readManifestFiles(filename)), namespace);
  checkPoliciesOnly(manifest, filename);
  await askApply(name, manifest.policies);
  for (const { kind, metadata } of manifest.policies) {
    process.stdout.write(`${kind} ${metadata.namespace}/${metadata.name} is given to discovery\n`);
  }
}

/** `outrigger sandbox apply`: puts policies of the mesh in force. */
export function applyCommand(): Command {
  return withName(new Command("apply"))
    .description("Put PeerAuthentications in force in a sandbox with discovery.")
    .requiredOption("-f, --filename <file...>", "YAML or JSON, folders, or - for standard input", collect(String))
    .option("-n, --namespace <name>", "the namespace of policies that name none", "default")
    .addHelpText("after", examples)
    .action(run);
}
