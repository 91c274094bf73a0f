import type { IpFamily } from "../mesh/address.ts";
import type { Problem } from "../mesh/errors.ts";
import type { Backend, BackendFacts, IptablesBackend } from "../mesh/redirect/backend.ts";
import { explainFailure } from "../mesh/redirect/failure.ts";
import { parseIptablesSave } from "../mesh/redirect/live/iptables-save.ts";
import type { LiveTable } from "../mesh/redirect/live/live-rule.ts";
import { type NftTable, parseNftRuleset } from "../mesh/redirect/live/nft-ruleset.ts";
import { isOwnNftTable } from "../mesh/redirect/live/nftables-live.ts";
import { ipFamilies, iptablesBackends, type ObservedState, standingBackends } from "../mesh/redirect/live/observed.ts";
import { isOwnChain, ownParts } from "../mesh/redirect/live/own-rules.ts";
import { hasRules } from "../mesh/redirect/transition.ts";
import { attempt, commandError, type Failure, run } from "./command.ts";
import { type NetworkNamespace, readProcNet, within } from "./netns.ts";
import type { Tools } from "./tools.ts";

/** What is in the kernel, of the mesh and of others, as far as reading tells. */
export interface Observation {
  readonly state: Omit<ObservedState, "routes">;
  readonly backends: BackendFacts;
}

type Tables = Record<IpFamily, LiveTable[]>;

interface Context {
  readonly tools: Tools;
  readonly namespace: NetworkNamespace;
}

/** The tables of nftables, or why they cannot be read. */
export async function readNftables({
  tools,
  namespace,
}: Context): Promise<{ tables: NftTable[] } | { failure: Failure } | undefined> {
  if (tools.nft === undefined) return undefined;
  const outcome = await attempt(within(namespace, { file: tools.nft, args: ["list", "ruleset"] }));
  return outcome.ok ? { tables: parseNftRuleset(outcome.stdout) } : { failure: outcome.failure };
}

export async function save(
  backend: IptablesBackend,
  family: IpFamily,
  { tools, namespace }: Context,
): Promise<LiveTable[]> {
  const file = tools.iptables[backend]?.save[family];
  return file === undefined ? [] : parseIptablesSave(await run(within(namespace, { file, args: [] })));
}

/** Families in which iptables-nft has chains of the mesh's. Its tables can only be read whole by its own tool. */
function standingFamilies(tables: readonly NftTable[]): IpFamily[] {
  const has = (nftFamily: string) =>
    tables.some(({ family, chains }) => family === nftFamily && chains.some(({ name }) => isOwnChain(name)));
  return ipFamilies.filter((family) => has(family === "IPv4" ? "ip" : "ip6"));
}

async function readIptablesNft(nft: { tables: NftTable[] } | undefined, context: Context): Promise<Tables> {
  const hasIpv6 = readProcNet(context.namespace, "if_inet6") !== "absent";
  const families = nft === undefined ? ipFamilies.slice(0, hasIpv6 ? 2 : 1) : standingFamilies(nft.tables);
  const [IPv4, IPv6] = await Promise.all(
    ipFamilies.map((family) => (families.includes(family) ? save("iptables-nft", family, context) : [])),
  );
  return { IPv4: IPv4 ?? [], IPv6: IPv6 ?? [] };
}

/** Which tables of iptables-legacy are there tells a file: asking the tool would load the module, and make them. */
const legacyTableFiles: Readonly<Record<IpFamily, string>> = { IPv4: "ip_tables_names", IPv6: "ip6_tables_names" };

async function readLegacy(context: Context): Promise<Tables> {
  const [IPv4, IPv6] = await Promise.all(
    ipFamilies.map((family) => {
      const names = readProcNet(context.namespace, legacyTableFiles[family]);
      const none = names === "absent" || (names !== "unknown" && names.text.trim() === "");
      return none ? [] : save("iptables-legacy", family, context);
    }),
  );
  return { IPv4: IPv4 ?? [], IPv6: IPv6 ?? [] };
}

function hasForeignRules(tables: readonly { chains: LiveTable["chains"] }[]): boolean {
  return tables.some(({ chains }) => chains.some(({ name, rules }) => !isOwnChain(name) && rules.length > 0));
}

const iptablesTableNames: readonly string[] = ["filter", "nat", "mangle", "raw", "security"];

function othersUse(nft: { tables: NftTable[] } | undefined, legacy: Tables): Backend[] {
  const iptablesNft = (nft?.tables ?? []).filter(
    ({ family, name }) => (family === "ip" || family === "ip6") && iptablesTableNames.includes(name),
  );
  return [
    ...(hasForeignRules(iptablesNft) ? (["iptables-nft"] as const) : []),
    ...(hasForeignRules([...legacy.IPv4, ...legacy.IPv6]) ? (["iptables-legacy"] as const) : []),
  ];
}

function notInstalled(backend: Backend): Problem {
  const program = backend === "nftables" ? "nft" : `${backend}-restore`;
  return { field: program, message: "is not installed", remedy: "install it, or add its folder to PATH" };
}

/** Which backends can be used, and why others cannot. */
function usability(tools: Tools, failure: Failure | undefined): Pick<BackendFacts, "usable" | "unusable"> {
  const installed: Backend[] = [
    ...iptablesBackends.filter((backend) => tools.iptables[backend] !== undefined),
    ...(tools.nft === undefined ? [] : (["nftables"] as const)),
  ];
  const problem = failure === undefined ? undefined : explainFailure(failure);
  const unusable: { [backend in Backend]?: Problem } = {};
  for (const backend of [...iptablesBackends, "nftables"] as const) {
    if (!installed.includes(backend)) unusable[backend] = notInstalled(backend);
    else if (problem !== undefined && backend !== "iptables-legacy") unusable[backend] = problem;
  }
  return { usable: installed.filter((backend) => unusable[backend] === undefined), unusable };
}

function isRefusal({ stderr }: Failure): boolean {
  return /not permitted|permission denied|must be root/i.test(stderr);
}

/**
 * Reads what stands in the kernel. Nothing is written, and no table comes into being by it.
 * @throws OutriggerError APPLY_FAILED where reading is not allowed
 */
export async function observe(context: Context): Promise<Observation> {
  const read = await readNftables(context);
  const failure = read !== undefined && "failure" in read ? read.failure : undefined;
  if (failure !== undefined && isRefusal(failure)) throw commandError(failure);
  const nft = read !== undefined && "tables" in read ? read : undefined;
  const nothing: Tables = { IPv4: [], IPv6: [] };
  const [iptablesNft, legacy] = await Promise.all([
    failure === undefined ? readIptablesNft(nft, context) : nothing,
    readLegacy(context),
  ]);
  const own = ({ IPv4, IPv6 }: Tables) => ({ IPv4: ownParts(IPv4), IPv6: ownParts(IPv6) });
  const state = {
    iptables: { "iptables-nft": own(iptablesNft), "iptables-legacy": own(legacy) },
    nftables: (nft?.tables ?? []).filter(isOwnNftTable),
  };
  const standing = standingBackends({ ...state, routes: { markRoutes: [], passthroughAddress: false } }).filter(
    (backend) => backend === "nftables" || ipFamilies.some((family) => hasRules(state.iptables[backend][family])),
  );
  const { usable, unusable } = usability(context.tools, failure);
  return { state, backends: { usable, unusable, standing, others: othersUse(nft, legacy) } };
}
