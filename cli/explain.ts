import { Command, InvalidArgumentError, Option } from "commander";
import { OutriggerError } from "../mesh/errors.ts";
import type { Labels } from "../mesh/pod.ts";
import { type Explanation, explain } from "../webhook/explain/explain.ts";
import { withInjectionFlags } from "../webhook/injection-flags.ts";
import type { LiveOptions } from "./cluster/live-subject.ts";
import { type FileOptions, rulebookOfFlags, subjectsInFiles } from "./explain-file.ts";
import { explanationText } from "./explain-text.ts";

interface Options extends Omit<FileOptions, "filename">, LiveOptions {
  readonly filename?: string[];
  readonly output: "text" | "json";
  readonly diff: boolean;
}

const examples = `
Examples:
  outrigger explain pod cart-7d4b9c6f5-x2x8p -n shop
  outrigger explain pod -f shop.yaml
  outrigger explain pod -f till.yaml --namespace-labels istio-injection=enabled --no-diff
  outrigger explain pod -f till.yaml --output json

It tells whether the API server asks the webhook (which entry, or which selector says no), whether the webhook injects
(each rule in order, and the one that decides), what would change, and the smallest change that turns it around. With a
name it asks the cluster: its registrations, the webhook's own flags and ConfigMaps, its nodes. With -f it works without one; Namespaces in
the same files give their labels.
`;

/** Reads `istio-injection=enabled,team=a`. */
function labelList(text: string): Labels {
  const pairs = text.split(",").map((pair) => /^([^=]+)=(.*)$/.exec(pair.trim()));
  if (pairs.some((pair) => pair === null)) throw new InvalidArgumentError("It must be a comma list of name=value.");
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? "", pair?.[2] ?? ""]));
}

async function explanations(name: string | undefined, options: Options): Promise<Explanation[]> {
  const { filename } = options;
  if ((name === undefined) === (filename === undefined)) {
    const remedy = "outrigger explain pod NAME, or outrigger explain pod -f FILE";
    const message = "needs the name of a Pod in the cluster, or files, and not both";
    throw new OutriggerError("BAD_FLAG", [{ field: "outrigger explain pod", message, remedy }]);
  }
  if (filename !== undefined) {
    const rulebook = await rulebookOfFlags(options);
    return (await subjectsInFiles({ ...options, filename })).map((subject) => explain(subject, rulebook));
  }
  const { subjectInCluster } = await import("./cluster/live-subject.ts");
  const { subject, rulebook } = await subjectInCluster(name ?? "", options);
  return [explain(subject, rulebook)];
}

async function run(name: string | undefined, options: Options): Promise<void> {
  const found = await explanations(name, options);
  const texts = found.map((explanation) => explanationText(explanation, options));
  process.stdout.write(options.output === "json" ? `${JSON.stringify(found, undefined, 2)}\n` : texts.join("\n"));
}

function podCommand(): Command {
  const pod = new Command("pod")
    .summary("explain whether a Pod gets a sidecar")
    .description("Explain whether a Pod gets a sidecar, by which rule, what changes, and what would turn it around.")
    .argument("[name]", "a Pod of the cluster")
    .option("-f, --filename <file...>", "YAML files or folders with Pods or workloads, instead; - is standard input")
    .option("-n, --namespace <name>", "the Pod's namespace, or that of objects that name none")
    .option("--namespace-labels <labels>", "with -f: labels of namespaces that the files lack: a=b,c=d", labelList)
    .option("--context <name>", "the context of the kubeconfig")
    .option("--no-diff", "leave out what changes")
    .addOption(new Option("-o, --output <format>", "the form of the answer").choices(["text", "json"]).default("text"));
  return withInjectionFlags(pod).addHelpText("after", examples).action(run);
}

/** `outrigger explain`: why something is as it is. */
export function command(): Command {
  const explainCommand = new Command("explain").description("Explain what Outrigger does, and why.");
  const pod = podCommand();
  return explainCommand.addCommand(pod);
}
