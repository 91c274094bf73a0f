import type { IpFamily } from "../mesh/address.ts";
import type { IptablesBackend } from "../mesh/redirect/backend.ts";
import { parseIptablesSave } from "../mesh/redirect/live/iptables-save.ts";
import type { LiveTable } from "../mesh/redirect/live/live-rule.ts";
import { type NftTable, parseNftRuleset } from "../mesh/redirect/live/nft-ruleset.ts";
import { ipFamilies } from "../mesh/redirect/live/observed.ts";
import { isOwnChain } from "../mesh/redirect/live/own-rules.ts";
import { attempt, type Failure, run } from "./command.ts";
import { type NetworkNamespace, readProcNet, within } from "./netns.ts";
import type { Tools } from "./tools.ts";

/** The tables of iptables in each family. */
export type FamilyTables = Readonly<Record<IpFamily, readonly LiveTable[]>>;

/** Everything that holds rules in a network namespace, the mesh's and others'. */
export interface ReadTables {
  /** Undefined where nft is not installed, or cannot read. */
  readonly nftables: readonly NftTable[] | undefined;
  /** Why nft cannot read. */
  readonly nftFailure?: Failure;
  readonly iptables: Readonly<Record<IptablesBackend, FamilyTables>>;
}

export interface ReadContext {
  readonly tools: Tools;
  readonly namespace: NetworkNamespace;
}

const nothing: FamilyTables = { IPv4: [], IPv6: [] };

export async function save(
  backend: IptablesBackend,
  family: IpFamily,
  { tools, namespace }: ReadContext,
): Promise<LiveTable[]> {
  const file = tools.iptables[backend]?.save[family];
  return file === undefined ? [] : parseIptablesSave(await run(within(namespace, { file, args: [] })));
}

async function saves(
  backend: IptablesBackend,
  families: readonly IpFamily[],
  context: ReadContext,
): Promise<FamilyTables> {
  const read = (family: IpFamily) => (families.includes(family) ? save(backend, family, context) : []);
  const [IPv4, IPv6] = await Promise.all([read("IPv4"), read("IPv6")]);
  return { IPv4, IPv6 };
}

/** What nftables holds, or why that cannot be read; undefined where nft is not installed. */
export async function listNftables({
  tools,
  namespace,
}: ReadContext): Promise<{ readonly tables: NftTable[] } | { readonly failure: Failure } | undefined> {
  if (tools.nft === undefined) return undefined;
  const outcome = await attempt(within(namespace, { file: tools.nft, args: ["list", "ruleset"] }));
  return outcome.ok ? { tables: parseNftRuleset(outcome.stdout) } : { failure: outcome.failure };
}

/** Families in which iptables-nft has chains of the mesh's: nft cannot read those tables whole, iptables' own tool can. */
function standingFamilies(tables: readonly NftTable[]): IpFamily[] {
  const has = (nftFamily: string) =>
    tables.some(({ family, chains }) => family === nftFamily && chains.some(({ name }) => isOwnChain(name)));
  return ipFamilies.filter((family) => has(family === "IPv4" ? "ip" : "ip6"));
}

function nftFamilies(tables: readonly NftTable[] | undefined, { namespace }: ReadContext): readonly IpFamily[] {
  if (tables !== undefined) return standingFamilies(tables);
  return readProcNet(namespace, "if_inet6") === "absent" ? ["IPv4"] : ipFamilies;
}

/** Which tables of iptables-legacy are there tells a file: asking the tool might load a module, and make them. */
const legacyTableFiles: Readonly<Record<IpFamily, string>> = { IPv4: "ip_tables_names", IPv6: "ip6_tables_names" };

function legacyFamilies({ namespace }: ReadContext): IpFamily[] {
  return ipFamilies.filter((family) => {
    const names = readProcNet(namespace, legacyTableFiles[family]);
    return names !== "absent" && (names === "unknown" || names.text.trim() !== "");
  });
}

/**
 * Reads every table that may hold rules of the mesh. Nothing is written, and no table comes into being by it.
 * Tables of iptables-nft are read whole where the mesh has chains in them.
 * @throws OutriggerError APPLY_FAILED
 */
export async function readTables(context: ReadContext): Promise<ReadTables> {
  const listed = await listNftables(context);
  const nftFailure = listed !== undefined && "failure" in listed ? listed.failure : undefined;
  const nftables = listed !== undefined && "tables" in listed ? listed.tables : undefined;
  const [iptablesNft, legacy] = await Promise.all([
    nftFailure === undefined ? saves("iptables-nft", nftFamilies(nftables, context), context) : nothing,
    saves("iptables-legacy", legacyFamilies(context), context),
  ]);
  const iptables = { "iptables-nft": iptablesNft, "iptables-legacy": legacy };
  return { nftables, iptables, ...(nftFailure !== undefined && { nftFailure }) };
}
