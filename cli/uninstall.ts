import { Command } from "commander";
import { connect } from "../deploy/cluster/api.ts";
import { describeProgress } from "../deploy/install/progress.ts";
import { uninstall } from "../deploy/install/uninstall.ts";

interface Options {
  readonly namespace: string;
  readonly revision?: string;
  readonly context?: string;
  readonly timeout: string;
}

const examples = `
Examples:
  outrigger uninstall                      # everything, the namespace too
  outrigger uninstall --revision canary    # one revision with its tags

Pods that have a sidecar keep it, and go on working, until they are made anew: restart their workloads afterwards.
`;

async function run(options: Options): Promise<void> {
  const { namespace, revision } = options;
  await uninstall(await connect(options.context), {
    namespace,
    ...(revision !== undefined && { revision }),
    report: (progress) => process.stdout.write(`${describeProgress(progress)}\n`),
    timeoutMs: Number(options.timeout) * 1000,
  });
}

/** `outrigger uninstall` */
export function command(): Command {
  return new Command("uninstall")
    .description("Take Outrigger, or one revision of it, out of the cluster.")
    .option("-n, --namespace <name>", "where Outrigger's own Pods run", "outrigger-system")
    .option("--revision <name>", "only this revision")
    .option("--context <name>", "the kubeconfig's context")
    .option("--timeout <seconds>", "how long to wait until everything is gone", "180")
    .addHelpText("after", examples)
    .action(run);
}
