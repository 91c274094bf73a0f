import { Command, InvalidArgumentError } from "commander";
import { askScale } from "../run/control-client.ts";
import { defaultGraceSeconds, seconds, withName } from "./options.ts";

interface Options {
  readonly name: string;
  readonly namespace?: string;
  readonly replicas: number;
  readonly gracePeriod: number;
}

const examples = `
Examples:
  outrigger sandbox scale web --replicas 3
  outrigger sandbox scale deploy/web -n shop --replicas 0

Returns at once; see the Pods come and go with: outrigger sandbox ps
`;

function wholeNumber(text: string): number {
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number, at most 999.");
}

async function run(workload: string, { name, namespace, replicas, gracePeriod }: Options): Promise<void> {
  await askScale(name, { namespace, workload, replicas, graceMs: gracePeriod * 1000 });
}

/** `outrigger sandbox scale`: how many Pods a Deployment or ReplicaSet has. */
export function scaleCommand(): Command {
  return withName(new Command("scale"))
    .description("Change how many Pods a Deployment or ReplicaSet of a sandbox has.")
    .argument("<workload>", "web, deploy/web")
    .requiredOption("--replicas <number>", "how many", wholeNumber)
    .option("-n, --namespace <name>", "the workload's namespace; needed only when two have such a workload")
    .option("--grace-period <seconds>", "how long Pods that go get to end, at most", seconds, defaultGraceSeconds)
    .addHelpText("after", examples)
    .action(run);
}
