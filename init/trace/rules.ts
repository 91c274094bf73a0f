import { readFileSync } from "node:fs";
import type { Address, IpFamily } from "../../mesh/address.ts";
import { OutriggerError } from "../../mesh/errors.ts";
import type { CaptureConfig } from "../../mesh/redirect/config.ts";
import { parseIptablesSave } from "../../mesh/redirect/live/iptables-save.ts";
import { parseNftRuleset } from "../../mesh/redirect/live/nft-ruleset.ts";
import { compiledRuleSet, nftRuleSet, savedRuleSet, type TraceRuleSet } from "../../mesh/redirect/trace/ruleset.ts";
import { compileHere } from "../compile-here.ts";

/** Rules to trace through, and what is known of the Pod that has them. */
export interface TraceSource {
  readonly ruleSet: TraceRuleSet;
  readonly addresses: readonly Address[];
  /** What a reader should know of the rules. */
  readonly notes: readonly string[];
}

/** The rules that a configuration compiles to. */
export function fromConfig(config: CaptureConfig, family: IpFamily, nativeNftables: boolean): TraceRuleSet {
  return compiledRuleSet(compileHere(config), family, nativeNftables ? "nft" : "iptables");
}

/**
 * The rules in a file: what iptables-save, ip6tables-save or `nft list ruleset` printed.
 * @throws OutriggerError BAD_FLAG
 */
export function fromFile(path: string, family: IpFamily): TraceSource {
  let text: string;
  try {
    text = readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (error) {
    const message = `cannot be read: ${(error as Error).message}`;
    throw new OutriggerError("BAD_FLAG", [{ field: "--rules", value: path, message }], { cause: error });
  }
  if (/^table \S+ \S+ \{/m.test(text)) {
    return { ruleSet: nftRuleSet(parseNftRuleset(text), family), addresses: [], notes: [] };
  }
  const tables = parseIptablesSave(text);
  if (tables.length > 0) return { ruleSet: savedRuleSet(tables), addresses: [], notes: [] };
  const remedy = "give what iptables-save, ip6tables-save or nft list ruleset printed";
  throw new OutriggerError("BAD_FLAG", [{ field: "--rules", value: path, message: "holds no rules", remedy }]);
}

/** The rules that stand in this network namespace. */
export async function fromKernel(family: IpFamily): Promise<TraceSource> {
  const [{ readTables }, { findTools }, { ownNamespace }, { ownNetwork }] = await Promise.all([
    import("../../host/read-tables.ts"),
    import("../../host/tools.ts"),
    import("../../host/netns.ts"),
    import("../../host/facts.ts"),
  ]);
  const { nftables = [], iptables } = await readTables({ tools: findTools(), namespace: ownNamespace });
  const ruleSet = [
    ...savedRuleSet(iptables["iptables-nft"][family]),
    ...savedRuleSet(iptables["iptables-legacy"][family]),
    ...nftRuleSet(nftables, family),
  ].filter((tables) => tables.size > 0);
  const others = nftables.filter(
    (table) => !(table.name.startsWith("istio-proxy-") || ["ip", "ip6"].includes(table.family)),
  );
  const notes = others.map((table) => `rules of others in table ${table.family} ${table.name} are not followed`);
  const none = ruleSet.length === 0 ? ["no rules of the mesh stand in this network namespace"] : [];
  return { ruleSet, addresses: ownNetwork().addresses, notes: [...none, ...notes] };
}
