import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { Command } from "commander";
import * as v from "valibot";
import { OutriggerError } from "../mesh/errors.ts";
import type { Pod } from "../mesh/pod.ts";
import { checked } from "../mesh/schema-problems.ts";
import { type CaptureDecision, decide } from "./decide.ts";
import type { NetworkConfiguration } from "./network-configuration.ts";

const examples = `
Examples:
  kubectl get pod web-0 -o json | outrigger cni explain -
  outrigger cni explain pod.yaml --exclude-namespaces kube-system,monitoring
`;

const podSchema = v.looseObject({
  kind: v.literal("Pod", "must be Pod"),
  metadata: v.looseObject({}),
  spec: v.looseObject({ containers: v.array(v.looseObject({ name: v.string() })) }),
});

/** Reads one Pod from YAML, which JSON is too. */
async function readPodFile(path: string): Promise<Pod> {
  const { parseDocument } = await import("yaml");
  const document = parseDocument(path === "-" ? await text(process.stdin) : await readFile(path, "utf8"));
  const [error] = document.errors;
  if (error !== undefined) throw new OutriggerError("BAD_OBJECT", [{ field: path, message: error.message }]);
  return checked(podSchema, document.toJS(), "", "BAD_OBJECT") as Pod;
}

/** What is printed: the decision, its rule, and the settings that the rules would be compiled from. */
export function explanation(decision: CaptureDecision): string {
  const lines = [`${decision.capture ? "captured" : "not captured"}: ${decision.reason}`, `rule: ${decision.rule}`];
  if (!decision.capture) return `${lines.join("\n")}\n`;
  const settings = Object.entries(decision.settings).map(
    ([name, { text, field }]) => `  ${name} = ${JSON.stringify(text)}  (${field})`,
  );
  return `${[...lines, "settings:", ...settings].join("\n")}\n`;
}

async function explain(path: string, { excludeNamespaces }: { excludeNamespaces: string }): Promise<void> {
  const pod = await readPodFile(path);
  const { namespace = "default", name = pod.metadata.generateName ?? "(unnamed)" } = pod.metadata;
  const configuration: NetworkConfiguration = {
    cniVersion: "1.0.0",
    exclude_namespaces: excludeNamespaces.split(","),
    native_nftables: false,
    runtimeConfig: {},
  };
  const decision = await decide({ namespace, name, uid: undefined }, configuration, async () => pod);
  process.stdout.write(explanation(decision));
}

/** `outrigger cni explain`: whether the node captures a Pod, by which rule and with which settings. */
export function explainCommand(): Command {
  return new Command("explain")
    .description("Say whether the node captures a Pod, by which rule, and with which settings.")
    .argument("<file>", "the Pod, as YAML or JSON; - is standard input")
    .option("--exclude-namespaces <list>", "namespaces whose Pods get no rules", "kube-system")
    .addHelpText("after", examples)
    .action(explain);
}
