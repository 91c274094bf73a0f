import { chains } from "../names.ts";
import type { CaptureConfig } from "./config.ts";
import { type Draft, insert, ownChains, rule } from "./draft.ts";
import { inbound, tproxyMarks } from "./inbound.ts";
import * as is from "./match.ts";
import { outbound } from "./outbound.ts";
import type { Family, Match, Rule, Table } from "./rule.ts";

/** Everything that is written into the kernel for one Pod: rules in the order in which they are added. */
export interface RuleSet {
  readonly families: readonly Family[];
  readonly rules: readonly Rule[];
}

function excludedInterfaces({ excludeInterfaces, mode }: CaptureConfig): Draft[] {
  const tables: Table[] = mode === "TPROXY" ? ["nat", "mangle"] : ["nat"];
  return excludeInterfaces.flatMap((name) =>
    tables.flatMap((table) => [
      rule(table, "PREROUTING", [is.from(name)], is.returns),
      rule(table, "OUTPUT", [is.to(name)], is.returns),
    ]),
  );
}

function virtualInterfaceReturns({ virtualInterfaces }: CaptureConfig): Draft[] {
  return virtualInterfaces.map((name) => insert("nat", "PREROUTING", 1, [is.from(name)], is.returns));
}

function invalidDrop({ dropInvalid }: CaptureConfig): Draft[] {
  if (!dropInvalid) return [];
  return [
    rule("mangle", "PREROUTING", [is.states("INVALID")], is.jump(ownChains.drop)),
    rule("mangle", ownChains.drop, [], { kind: "drop" }),
  ];
}

function redirectChains(config: CaptureConfig): Draft[] {
  return [
    rule("nat", chains.inbound, [is.tcp, is.destinationPort(config.tunnelPort)], is.returns),
    rule("nat", chains.redirect, [is.tcp], is.redirect(config.outboundPort)),
    rule("nat", chains.inboundRedirect, [is.tcp], is.redirect(config.inboundPort)),
  ];
}

function familyOf(matches: readonly Match[]): Family | undefined {
  for (const match of matches) if (match.kind === "source" || match.kind === "destination") return match.cidr.family;
  return undefined;
}

/** Compiles the settings into the rules, in the order in which they are added to the kernel. */
export function compile(config: CaptureConfig): RuleSet {
  const families: Family[] = config.ipv6 ? ["ipv4", "ipv6"] : ["ipv4"];
  const drafts = [
    ...excludedInterfaces(config),
    ...virtualInterfaceReturns(config),
    ...invalidDrop(config),
    ...redirectChains(config),
    ...inbound(config),
    ...outbound(config, families),
    ...tproxyMarks(config),
  ];
  const rules = drafts.flatMap((draft): Rule[] => {
    const family = familyOf(draft.matches);
    const written = draft.families ?? families.filter((one) => family === undefined || family === one);
    return written.length === 0 ? [] : [{ ...draft, families: written }];
  });
  return { families, rules };
}
