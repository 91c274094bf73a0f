import { Argument, Command, Option } from "commander";
import { type JsonValue, resourcesOf, type ShownKind, shownKinds } from "../discovery/inspect/config-dump.ts";
import { type Narrowing, narrow } from "../discovery/inspect/narrow.ts";
import { adminPath, proxyTable } from "../discovery/inspect/proxy-tables.ts";
import { OutriggerError } from "../mesh/errors.ts";

interface Options extends Narrowing {
  readonly namespace: string;
  readonly url?: string;
  readonly context?: string;
  readonly output: "table" | "json" | "yaml";
}

const examples = `
Examples:
  outrigger proxy-config reviews-7d5f9-x2x5k.shop clusters
  outrigger proxy-config endpoints reviews-7d5f9-x2x5k -n shop
  outrigger proxy-config reviews-7d5f9-x2x5k.shop routes --name 80 -o json
  outrigger proxy-config listeners reviews-7d5f9-x2x5k.shop --port 15006
  outrigger proxy-config clusters reviews-7d5f9-x2x5k.shop --fqdn ratings.shop --direction outbound
  outrigger proxy-config endpoints reviews-7d5f9-x2x5k.shop --cluster 'outbound|80||ratings.shop.svc.cluster.local'
  outrigger proxy-config --url http://127.0.0.1:15000 secrets

It asks the Pod's own Envoy, by a port-forward to its admin interface. The kinds and the Pod may stand in either order.
Private keys are never shown: Envoy does not give them out.
`;

const timeoutMs = 15_000;

type Ask = (path: string) => Promise<JsonValue>;

function askUrl(url: string): Ask {
  return async (path) => {
    const answer = await fetch(new URL(path, url), { signal: AbortSignal.timeout(timeoutMs) });
    if (!answer.ok) throw new Error(`${url}${path} answered ${answer.status}`);
    return (await answer.json()) as JsonValue;
  };
}

function isKind(text: string): text is ShownKind {
  return shownKinds.some((kind) => kind === text);
}

/** `listener` and `cluster` are understood as well: people type them. */
function kindOf(text: string | undefined): ShownKind | undefined {
  if (text === undefined) return undefined;
  if (isKind(text)) return text;
  return isKind(`${text}s`) ? (`${text}s` as ShownKind) : undefined;
}

function parse(words: readonly string[], hasUrl: boolean): { kind: ShownKind; pod: string | undefined } {
  const kind = words.map(kindOf).find((found) => found !== undefined);
  const pod = words.find((word) => kindOf(word) === undefined);
  if (kind !== undefined && (pod !== undefined || hasUrl)) return { kind, pod };
  const field = kind === undefined ? "kind" : "pod";
  const remedy = kind === undefined ? `give one of: ${shownKinds.join(", ")}` : "give a Pod, or --url";
  throw new OutriggerError("BAD_FLAG", [{ field, value: words.join(" "), message: "is missing", remedy }]);
}

async function ask(pod: string | undefined, path: string, { url, namespace, context }: Options): Promise<JsonValue> {
  if (url !== undefined) return await askUrl(url)(path);
  const [name = "", where = namespace] = (pod ?? "").split(".");
  const { withAdmin } = await import("../discovery/inspect/cluster.ts");
  return await withAdmin(where, name, context, async (admin) => await askUrl(admin)(path));
}

/** The filters among the options. */
function narrowingIn({ namespace, url, context, output, ...narrowing }: Options): Narrowing {
  return narrowing;
}

async function printed(json: JsonValue, output: "json" | "yaml"): Promise<string> {
  if (output === "json") return `${JSON.stringify(json, null, 2)}\n`;
  const { stringify } = await import("yaml");
  return stringify(json);
}

async function run(words: readonly string[], options: Options): Promise<void> {
  const { kind, pod } = parse(words, options.url !== undefined);
  const narrowing = narrowingIn(options);
  narrow(kind, {}, narrowing);
  let answer: JsonValue;
  try {
    answer = await ask(pod, adminPath(kind), options);
  } catch (cause) {
    const message = `cannot be asked: ${(cause as Error).message}`;
    const problem = { field: "the proxy", value: pod ?? options.url ?? "", message };
    throw new OutriggerError("CLUSTER_FAILED", [problem], { cause });
  }
  const found = narrow(kind, answer, narrowing);
  const { output } = options;
  const json = () => (kind === "endpoints" ? found : resourcesOf(found, kind));
  process.stdout.write(output === "table" ? proxyTable(kind, found, new Date()) : await printed(json(), output));
}

/** Adds the flags that narrow what is shown; which kind has which is said when one has it not. */
function withNarrowing(command: Command): Command {
  return command
    .option("--address <address>", "listeners and endpoints at this address")
    .option("--port <number>", "listeners, clusters and endpoints of this port")
    .option("--name <name>", "the listener, route table or secret of this name")
    .option("--fqdn <host>", "clusters of Services whose name has this in it")
    .option("--direction <direction>", "clusters that are inbound or outbound")
    .option("--subset <name>", "clusters of this subset")
    .option("--cluster <name>", "endpoints of this cluster")
    .option("--status <status>", "endpoints of this status, such as HEALTHY");
}

/** `outrigger proxy-config` */
export function command(): Command {
  const proxyConfig = new Command("proxy-config")
    .description("Show what a Pod's Envoy does: its listeners, routes, clusters, endpoints or secrets.")
    .addArgument(new Argument("<words...>", `a Pod (name or name.namespace) and a kind: ${shownKinds.join(", ")}`))
    .option("-n, --namespace <name>", "the Pod's namespace", "default")
    .option("--url <url>", "ask this admin interface instead of a Pod's")
    .option("--context <name>", "the kubeconfig's context");
  return withNarrowing(proxyConfig)
    .addOption(new Option("-o, --output <format>", "how to print").choices(["table", "json", "yaml"]).default("table"))
    .addHelpText("after", examples)
    .action(run);
}
