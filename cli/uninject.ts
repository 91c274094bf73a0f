import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { readManifestFiles } from "../host/manifest-files.ts";
import { uninjectYaml } from "../webhook/manual/uninject-yaml.ts";
import { joinStreams } from "../webhook/manual/yaml-documents.ts";

interface Options {
  readonly filename: string[];
  readonly output: string;
}

const examples = `
Examples:
  outrigger uninject -f injected.yaml
  kubectl get deployment till -o yaml | outrigger uninject -f - | kubectl apply -f -

Gives back what was there before outrigger inject: the sidecar, its volumes, labels and annotations go, and the
application's own probes and Prometheus annotations return. A probe's port returns by its name, if it has one.
`;

async function run({ filename, output }: Options): Promise<void> {
  const files = await readManifestFiles(filename);
  const text = joinStreams(files.map((file) => uninjectYaml(file.text, file.name)));
  if (output === "-") process.stdout.write(text);
  else writeFileSync(output, text);
}

/** `outrigger uninject`: takes the sidecar out of the workloads in YAML files. */
export function command(): Command {
  return new Command("uninject")
    .description("Take the sidecar out of the workloads in YAML files, and print the YAML.")
    .requiredOption(
      "-f, --filename <file...>",
      "YAML files or folders with any Kubernetes objects; - is standard input",
    )
    .option("-o, --output <file>", "where to write; - is standard output", "-")
    .addHelpText("after", examples)
    .action(run);
}
