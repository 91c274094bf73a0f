import { Command } from "commander";
import { askDelete, askStatus } from "../run/control-client.ts";
import { findPod } from "./find-pod.ts";
import { defaultGraceSeconds, namespaceOption, seconds, withName } from "./options.ts";

interface Options {
  readonly name: string;
  readonly namespace?: string;
  readonly gracePeriod: number;
}

const examples = `
Examples:
  outrigger sandbox delete web
  outrigger sandbox delete web-7f9c6-x2x5k --grace-period 0     kills it

Returns when the Pod is gone. A controller makes another one in its place: of a Deployment at once, under a new name.
`;

async function run(typed: string, { name, namespace, gracePeriod }: Options): Promise<void> {
  const pod = findPod((await askStatus(name)).pods, typed, namespace);
  await askDelete(name, { namespace: pod.namespace, pod: pod.name, graceMs: gracePeriod * 1000 });
  process.stdout.write(`Pod ${pod.namespace}/${pod.name} is gone\n`);
}

/** `outrigger sandbox delete`: ends a Pod. */
export function deleteCommand(): Command {
  return withName(new Command("delete"))
    .description("Delete a Pod of a sandbox.")
    .argument("<pod>", "a Pod, or a workload")
    .option(...namespaceOption)
    .option("--grace-period <seconds>", "how long it gets to end, at most", seconds, defaultGraceSeconds)
    .addHelpText("after", examples)
    .action(run);
}
