import { Command, Option } from "commander";
import { stringify } from "yaml";
import { OutriggerError } from "../../mesh/errors.ts";
import { askObject, askStatus } from "../run/control-client.ts";
import { findPod } from "./find-pod.ts";
import { namespaceOption, withName } from "./options.ts";

interface Options {
  readonly name: string;
  readonly namespace?: string;
  readonly output: "yaml" | "json";
}

const examples = `
Examples:
  outrigger sandbox show web
  outrigger sandbox show web --output json | jq '.spec.initContainers[].name'

The Pod is printed as it came out of admission: with the API server's defaults, and what the webhook has added.
POD is a Pod's name, or its workload's: web, deploy/web.
`;

async function run(typed: string, { name, namespace, output }: Options): Promise<void> {
  const pod = findPod((await askStatus(name)).pods, typed, namespace);
  const object = await askObject(name, pod.namespace, pod.name);
  if (object === undefined) {
    const problem = { field: `Pod ${pod.name}`, message: `was not created: ${pod.explanations.join("; ")}` };
    throw new OutriggerError("SANDBOX_FAILED", [problem]);
  }
  process.stdout.write(
    output === "json" ? `${JSON.stringify(object, null, 2)}\n` : stringify(object, { lineWidth: 0 }),
  );
}

/** `outrigger sandbox show`: a Pod as the webhook left it. */
export function showCommand(): Command {
  return withName(new Command("show"))
    .description("Print a Pod of a sandbox as it came out of admission.")
    .argument("<pod>", "a Pod, or a workload")
    .option(...namespaceOption)
    .addOption(new Option("-o, --output <form>", "how to print it").choices(["yaml", "json"]).default("yaml"))
    .addHelpText("after", examples)
    .action(run);
}
