import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { readManifestFiles } from "../host/manifest-files.ts";
import {
  factsFromFlags,
  type InjectionFlags,
  settingsFromFlags,
  withInjectionFlags,
} from "../webhook/injection-flags.ts";
import { injectYaml, type Outcome } from "../webhook/manual/inject-yaml.ts";
import { joinStreams } from "../webhook/manual/yaml-documents.ts";

interface Options extends InjectionFlags {
  readonly filename: string[];
  readonly namespace?: string;
  readonly output: string;
  readonly diff?: boolean;
}

const examples = `
Examples:
  outrigger inject -f shop.yaml | kubectl apply -f -
  kubectl get deployment till -o yaml | outrigger inject -f - | kubectl apply -f -
  outrigger inject -f overlays/test -f till.yaml --output injected.yaml
  outrigger inject -f shop.yaml --diff
  outrigger inject -f shop.yaml --profile istio --mesh-config mesh.yaml --values values.yaml

Whether a workload is injected is decided as in the cluster: sidecar.istio.io/inject, hostNetwork and the
namespace count. A workload that is not injected, and any other document, goes out as it came.
`;

/** Tells, on standard error, what was not injected and what the author may not have meant. */
function report({ workload, admission }: Outcome): void {
  const { decision, warnings } = admission;
  if (!decision.inject) process.stderr.write(`${workload}: not injected, since ${decision.reason}\n`);
  for (const warning of warnings) process.stderr.write(`${workload}: warning: ${warning}\n`);
}

interface InjectedFile {
  readonly source: string;
  readonly before: string;
  readonly text: string;
}

/** What changes in each file. The library is loaded only for it. */
async function diffOf(files: readonly InjectedFile[]): Promise<string> {
  const { unifiedDiff } = await import("./unified-diff.ts");
  return files.map(({ source, before, text }) => unifiedDiff(source, before, text)).join("");
}

async function run(options: Options): Promise<void> {
  const settings = await settingsFromFlags(options);
  const facts = factsFromFlags(options);
  for (const warning of settings.warnings) process.stderr.write(`warning: ${warning}\n`);
  const files = (await readManifestFiles(options.filename)).map(({ name: source, text: before }) => {
    return { source, before, ...injectYaml(before, { source, namespace: options.namespace ?? "", facts }, settings) };
  });
  for (const outcome of files.flatMap(({ outcomes }) => outcomes)) report(outcome);
  const text = options.diff ? await diffOf(files) : joinStreams(files.map((file) => file.text));
  if (options.output === "-") process.stdout.write(text);
  else writeFileSync(options.output, text);
}

/** `outrigger inject`: adds the sidecar to the workloads in YAML files. */
export function command(): Command {
  const inject = new Command("inject")
    .description("Add the sidecar to the workloads in YAML files, as the webhook would, and print the YAML.")
    .requiredOption(
      "-f, --filename <file...>",
      "YAML files or folders with any Kubernetes objects; - is standard input",
    )
    .option("-n, --namespace <name>", "the namespace of objects that name none")
    .option("-o, --output <file>", "where to write; - is standard output", "-")
    .option("--diff", "print what changes, as a unified diff, instead of the YAML");
  return withInjectionFlags(inject).addHelpText("after", examples).action(run);
}
