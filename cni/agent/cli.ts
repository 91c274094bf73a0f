import { Command, InvalidArgumentError, Option } from "commander";
import type { LogLevel } from "../../host/log.ts";
import { wholeNumber, withLog, withLogLevel } from "../../host/service-command.ts";
import { serviceAccountFolder } from "../../kubernetes/service-account.ts";
import { type RepairMode, repairModes } from "../repair/repair.ts";
import type { AgentOptions } from "./options.ts";

interface Flags extends Omit<AgentOptions, "health" | "excludeNamespaces"> {
  readonly excludeNamespace?: readonly string[];
  readonly healthAddress: string;
  readonly healthPort: number;
  readonly logLevel: LogLevel;
  readonly repair: RepairMode;
}

const examples = `
The agent runs as a DaemonSet with NET_ADMIN and SYS_ADMIN, and installs the plugin on its node (docs/cni.md):
  outrigger cni agent --node-name "$NODE_NAME" --pod-name "$POD_NAME" --namespace "$POD_NAMESPACE"

GET /healthz, /readyz and /metrics are served. SIGTERM ends it; the plugin is taken off the node only when the DaemonSet
is gone, so that an upgrade or a reboot lets no Pod bypass the mesh.
`;

const collect = (text: string, before: readonly string[] | undefined): string[] => [...(before ?? []), text];

function truth(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new InvalidArgumentError("It must be true or false.");
}

function identityFlags(command: Command): Command {
  return command
    .addOption(new Option("--node-name <name>", "the node").env("NODE_NAME").makeOptionMandatory())
    .addOption(new Option("--pod-name <name>", "the agent's own Pod").env("POD_NAME").makeOptionMandatory())
    .addOption(new Option("--namespace <name>", "the agent's own namespace").env("POD_NAMESPACE").makeOptionMandatory())
    .option("--daemon-set <name>", "the DaemonSet that the agent belongs to", "outrigger-cni")
    .option("--service-account-folder <path>", "the Pod's credentials", serviceAccountFolder);
}

function folderFlags(command: Command): Command {
  return command
    .option("--run-directory <path>", "where the socket is, as mounted here", "/run/outrigger-cni")
    .option("--node-run-directory <path>", "the same folder on the node (default: the same path)")
    .option("--program-folder <path>", "the node's CNI plugins, as mounted here", "/host/opt/cni/bin")
    .option("--configuration-folder <path>", "the node's CNI configuration, as mounted here", "/host/etc/cni/net.d")
    .option("--namespace-folder <path>", "the runtime's network namespaces, as mounted here", "/host/run/netns")
    .option(
      "--cache-folder <path>",
      "libcni's cache, as mounted here; repair finds namespaces by it",
      "/host/var/lib/cni",
    )
    .option("--program <file>", "the plugin's executable", "/opt/outrigger/outrigger-cni")
    .option("--enter-program <file>", "what runs commands in Pods' namespaces", "/opt/outrigger/outrigger-enter");
}

function behaviourFlags(command: Command): Command {
  return command
    .option("--exclude-namespace <name>", "a namespace whose Pods get no rules; can be given again", collect)
    .option("--native-nftables [choice]", "write nftables' own rules instead of iptables'", truth, false)
    .option(
      "--plugin-patience-seconds <number>",
      "how long the plugin asks an agent that does not answer",
      wholeNumber(0, 120),
      5,
    )
    .addOption(
      new Option("--repair <mode>", "what is done about Pods that started without rules")
        .choices(repairModes)
        .default("repair"),
    )
    .option("--repairs-per-minute <number>", "at most so many Pods", wholeNumber(1, 6000), 60)
    .option("--remove-taint [choice]", "take the taint cni.istio.io/not-ready off the node once ready", truth, false)
    .option("--concurrency <number>", "how many Pods' rules are written at once", wholeNumber(1, 256), 4)
    .option("--health-address <address>", "where health and metrics are served", "0.0.0.0")
    .option("--health-port <number>", "and their port; 0 is any free one", wholeNumber(0, 65535), 15025);
}

async function run({ excludeNamespace, healthAddress, healthPort, ...flags }: Flags): Promise<void> {
  const ending = new AbortController();
  // A second signal changes nothing: the end is under way, and bounded by the kubelet.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => ending.abort());
  const options: AgentOptions = {
    ...flags,
    excludeNamespaces: excludeNamespace ?? [],
    health: { address: healthAddress, port: healthPort },
  };
  await withLog(options.logLevel, async (log) => {
    // Not for `outrigger cni explain`.
    const { connectNodeCluster } = await import("../cluster/node-cluster.ts");
    const { runAgent } = await import("./main.ts");
    const { createNamespaceRules } = await import("../capture/namespace-rules.ts");
    const { enterNamespaces } = await import("../capture/enter-namespaces.ts");
    const entrance = enterNamespaces(options.enterProgram);
    const world = { cluster: await connectNodeCluster(options), rules: createNamespaceRules(entrance), log };
    await runAgent(options, world, ending.signal);
    entrance.close();
  });
}

/** `outrigger cni agent`: the node agent. */
export function agentCommand(): Command {
  const agent = new Command("agent").description("Serve the CNI plugin of this node, and keep it installed.");
  return withLogLevel(behaviourFlags(folderFlags(identityFlags(agent))))
    .addHelpText("after", examples)
    .action(run);
}
