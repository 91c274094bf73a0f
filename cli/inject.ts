import { readFileSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { OutriggerError } from "../mesh/errors.ts";
import { injectYaml, type Outcome } from "../webhook/manual/inject-yaml.ts";
import { injectionSettings } from "../webhook/settings.ts";

interface Options {
  readonly filename: string[];
  readonly namespace: string;
  readonly output: string;
  readonly revision: string;
  readonly nativeSidecars: boolean;
}

const examples = `
Examples:
  outrigger inject -f shop.yaml | kubectl apply -f -
  kubectl get deployment till -o yaml | outrigger inject -f - | kubectl apply -f -
  outrigger inject -f shop.yaml -f till.yaml --output injected.yaml

Whether a workload is injected is decided as in the cluster: sidecar.istio.io/inject, hostNetwork and the
namespace count. A workload that is not injected, and any other document, goes out as it came.
`;

/** Reads a file, or standard input for `-`. */
function read(name: string): string {
  try {
    return readFileSync(name === "-" ? 0 : name, "utf8");
  } catch (error) {
    const message = `cannot be read: ${(error as Error).message}`;
    throw new OutriggerError("BAD_FLAG", [{ field: "--filename", value: name, message }], { cause: error });
  }
}

/** Tells, on standard error, what was not injected and what the author may not have meant. */
function report({ workload, admission }: Outcome): void {
  const { decision, warnings } = admission;
  if (!decision.inject) process.stderr.write(`${workload}: not injected, since ${decision.reason}\n`);
  for (const warning of warnings) process.stderr.write(`${workload}: warning: ${warning}\n`);
}

/** Joins the streams of several files, each starting with its own document. */
function joinStreams(texts: readonly string[]): string {
  return texts.reduce((joined, text) => {
    const line = joined === "" || joined.endsWith("\n") ? joined : `${joined}\n`;
    return line === "" || text.startsWith("---") ? line + text : `${line}---\n${text}`;
  }, "");
}

function run(options: Options): void {
  const settings = injectionSettings({
    revision: options.revision,
    nativeSidecars: options.nativeSidecars ? "auto" : "disabled",
  });
  const { namespace } = options;
  const injected = options.filename.map((name) =>
    injectYaml(read(name), { source: name === "-" ? "standard input" : name, namespace }, settings),
  );
  for (const outcome of injected.flatMap(({ outcomes }) => outcomes)) report(outcome);
  const text = joinStreams(injected.map((one) => one.text));
  if (options.output === "-") process.stdout.write(text);
  else writeFileSync(options.output, text);
}

/** `outrigger inject`: adds the sidecar to the workloads in YAML files. */
export function command(): Command {
  return new Command("inject")
    .description("Add the sidecar to the workloads in YAML files, as the webhook would, and print the YAML.")
    .requiredOption("-f, --filename <file...>", "YAML files with any Kubernetes objects; - is standard input")
    .option("-n, --namespace <name>", "the namespace of objects that name none", "default")
    .option("-o, --output <file>", "where to write; - is standard output", "-")
    .option("--revision <name>", "the revision that injects", "default")
    .option("--no-native-sidecars", "write istio-proxy as an ordinary container, for nodes before Kubernetes 1.33")
    .addHelpText("after", examples)
    .action(run);
}
