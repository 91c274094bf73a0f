import type { Problem } from "../mesh/errors.ts";
import type { Backend, BackendFacts } from "../mesh/redirect/backend.ts";
import { explainFailure } from "../mesh/redirect/failure.ts";
import type { LiveTable } from "../mesh/redirect/live/live-rule.ts";
import { isOwnNftTable } from "../mesh/redirect/live/nftables-live.ts";
import { ipFamilies, iptablesBackends, type ObservedState } from "../mesh/redirect/live/observed.ts";
import { isOwnChain, jumpsToOwn, ownParts } from "../mesh/redirect/live/own-rules.ts";
import { hasRules } from "../mesh/redirect/transition.ts";
import { commandError, type Failure } from "./command.ts";
import { type FamilyTables, type ReadContext, type ReadTables, readTables } from "./read-tables.ts";
import type { Tools } from "./tools.ts";

/** What of the mesh's stands in the kernel, and what that and others' rules mean for the choice of a backend. */
export interface Observation {
  readonly state: Omit<ObservedState, "routes">;
  readonly backends: BackendFacts;
}

function hasForeignRules(tables: readonly LiveTable[]): boolean {
  return tables.some(({ chains }) =>
    chains.some(({ name, rules }) => !isOwnChain(name) && rules.some((rule) => !jumpsToOwn(rule))),
  );
}

const iptablesTableNames: readonly string[] = ["filter", "nat", "mangle", "raw", "security"];

function othersUse({ nftables = [], iptables }: ReadTables): Backend[] {
  const iptablesNft = nftables.filter(
    ({ family, name }) => (family === "ip" || family === "ip6") && iptablesTableNames.includes(name),
  );
  const legacy = ipFamilies.flatMap((family) => iptables["iptables-legacy"][family]);
  return [
    ...(hasForeignRules(iptablesNft) ? (["iptables-nft"] as const) : []),
    ...(hasForeignRules(legacy) ? (["iptables-legacy"] as const) : []),
  ];
}

const remedy = "install what is missing, or add its folder to PATH";

function notInstalled(backend: Backend): Problem {
  if (backend === "nftables") return { field: "nft", message: "is not installed", remedy };
  const variant = backend.replace("iptables-", "");
  const programs = ["iptables", "ip6tables"].flatMap((name) => [
    `${name}-${variant}-restore`,
    `${name}-${variant}-save`,
  ]);
  return { field: programs.join(", "), message: "are not all installed", remedy };
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

function standingIn({ iptables, nftables }: Observation["state"]): Backend[] {
  const standing: Backend[] = iptablesBackends.filter((backend) =>
    ipFamilies.some((family) => hasRules(iptables[backend][family])),
  );
  return nftables.length > 0 ? [...standing, "nftables"] : standing;
}

/** What was read, as the mesh's state and as facts for the choice of a backend. */
export function observationOf(read: ReadTables, tools: Tools): Observation {
  const own = ({ IPv4, IPv6 }: FamilyTables) => ({ IPv4: ownParts(IPv4), IPv6: ownParts(IPv6) });
  const state = {
    iptables: {
      "iptables-nft": own(read.iptables["iptables-nft"]),
      "iptables-legacy": own(read.iptables["iptables-legacy"]),
    },
    nftables: (read.nftables ?? []).filter(isOwnNftTable),
  };
  const backends = { ...usability(tools, read.nftFailure), standing: standingIn(state), others: othersUse(read) };
  return { state, backends };
}

/**
 * Reads what stands in the kernel. Nothing is written to find out.
 * @throws OutriggerError APPLY_FAILED where reading is not allowed
 */
export async function observe(context: ReadContext): Promise<Observation> {
  const read = await readTables(context);
  if (read.nftFailure !== undefined && isRefusal(read.nftFailure)) throw commandError(read.nftFailure);
  return observationOf(read, context.tools);
}
