import { Command, Option } from "commander";
import type { ReportedStatus } from "../discovery/inspect/status-table.ts";
import { proxyName, statusTable } from "../discovery/inspect/status-table.ts";
import { OutriggerError } from "../mesh/errors.ts";
import type { ProxyStatus } from "../mesh/proxy-status.ts";

interface Options {
  readonly namespace: string;
  readonly url: readonly string[];
  readonly context?: string;
  readonly output: string;
}

const examples = `
Examples:
  outrigger proxy-status                            # every proxy of the mesh
  outrigger proxy-status reviews-7d5f9-x2x5k.shop   # one of them
  outrigger proxy-status --url http://127.0.0.1:15014 -o json

SYNCED: the proxy took the last of the kind that was sent. STALE: it has not answered yet. NACK: it refused it, and goes
on with what it had; its words stand below. NOT SENT: it has not asked for any. Exits 1 if a proxy refused something.
`;

const timeoutMs = 10_000;

async function askUrl(url: string): Promise<ReportedStatus[]> {
  try {
    const answer = await fetch(new URL("/proxies", url), { signal: AbortSignal.timeout(timeoutMs) });
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    return ((await answer.json()) as ProxyStatus[]).map((status) => ({ ...status, replica: new URL(url).host }));
  } catch (cause) {
    const message = `cannot be asked: ${(cause as Error).message}`;
    throw new OutriggerError("CLUSTER_FAILED", [{ field: "discovery", value: url, message }], { cause });
  }
}

async function askCluster({ namespace, context }: Options): Promise<ReportedStatus[]> {
  const { askDiscovery } = await import("../discovery/inspect/cluster.ts");
  return await askDiscovery(namespace, context);
}

async function run(pod: string | undefined, options: Options): Promise<void> {
  const all = options.url.length > 0 ? (await Promise.all(options.url.map(askUrl))).flat() : await askCluster(options);
  const statuses = pod === undefined ? all : all.filter((status) => status.pod === pod || proxyName(status) === pod);
  if (pod !== undefined && statuses.length === 0) {
    const remedy = "see all with: outrigger proxy-status";
    throw new OutriggerError("BAD_FLAG", [{ field: "proxy", value: pod, message: "is not connected", remedy }]);
  }
  const text = options.output === "json" ? `${JSON.stringify(statuses, null, 2)}\n` : statusTable(statuses);
  process.stdout.write(text);
  const isRefused = statuses.some(({ kinds }) => Object.values(kinds).some(({ state }) => state === "NACK"));
  if (isRefused) process.exitCode = 1;
}

/** `outrigger proxy-status` */
export function command(): Command {
  const urls = (url: string, before: readonly string[]) => [...before, url];
  return new Command("proxy-status")
    .description("Show which proxies are in sync with the control plane, and what they refused.")
    .argument("[pod]", "a Pod's name, or name.namespace")
    .option("-n, --namespace <name>", "where discovery runs", "outrigger-system")
    .option("--url <url>", "ask this replica's HTTP port instead of the cluster; may be repeated", urls, [])
    .option("--context <name>", "the kubeconfig's context")
    .addOption(new Option("-o, --output <format>", "how to print").choices(["table", "json"]).default("table"))
    .addHelpText("after", examples)
    .action(run);
}
