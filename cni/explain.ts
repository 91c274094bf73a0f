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
  outrigger cni explain pod.yaml --exclude-namespace kube-system --exclude-namespace monitoring
`;

const podSchema = v.looseObject({
  kind: v.literal("Pod", "must be Pod"),
  metadata: v.looseObject({}),
  spec: v.looseObject({ containers: v.array(v.looseObject({ name: v.string() })) }),
});

async function readInput(path: string): Promise<string> {
  try {
    return await (path === "-" ? text(process.stdin) : readFile(path, "utf8"));
  } catch (error) {
    const message = `cannot be read: ${(error as Error).message}`;
    throw new OutriggerError("BAD_FLAG", [{ field: "file", value: path, message }], { cause: error });
  }
}

/** Reads one Pod from YAML, which JSON is too. */
async function readPodFile(path: string): Promise<Pod> {
  const { readYaml } = await import("../mesh/yaml.ts");
  return checked(podSchema, readYaml(await readInput(path), path, "BAD_OBJECT"), "", "BAD_OBJECT") as Pod;
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

async function explain(path: string, { excludeNamespace }: { excludeNamespace?: string[] }): Promise<void> {
  const pod = await readPodFile(path);
  const { namespace = "default", name = pod.metadata.generateName ?? "(unnamed)" } = pod.metadata;
  const configuration: NetworkConfiguration = {
    cniVersion: "1.0.0",
    exclude_namespaces: excludeNamespace ?? ["kube-system"],
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
    .option(
      "--exclude-namespace <name>",
      "a namespace whose Pods get no rules; can be given again (default: kube-system)",
      (text, before: string[] | undefined) => [...(before ?? []), text],
    )
    .addHelpText("after", examples)
    .action(explain);
}
