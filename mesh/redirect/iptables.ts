import type { IpFamily } from "../address.ts";
import { formatCidr } from "../cidr.ts";
import type { PortRange } from "../port-list.ts";
import { isBuiltIn, type Match, type Protocol, type Rule, type RuleSet, type Table, type Target } from "./rule.ts";

const tables: readonly Table[] = ["mangle", "nat", "raw"];

const not = (negated: boolean): string => (negated ? "! " : "");

function printRange({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}:${last}`;
}

function printPorts(flag: "sport" | "dport", ports: readonly PortRange[], negated: boolean): string {
  const printed = ports.map(printRange).join(",");
  return ports.length === 1
    ? `${not(negated)}--${flag} ${printed}`
    : `-m multiport ${not(negated)}--${flag}s ${printed}`;
}

function printMatch(match: Match): string {
  switch (match.kind) {
    case "in-interface":
      return `-i ${match.name}`;
    case "out-interface":
      return `-o ${match.name}`;
    case "protocol":
      return `-p ${match.protocol}`;
    case "family":
      return "";
    case "source":
      return `${not(match.negated)}-s ${formatCidr(match.cidr)}`;
    case "destination":
      return `${not(match.negated)}-d ${formatCidr(match.cidr)}`;
    case "source-port":
      return printPorts("sport", match.ports, match.negated);
    case "destination-port":
      return printPorts("dport", match.ports, match.negated);
    case "owner":
      return `-m owner ${not(match.negated)}--${match.by}-owner ${match.id}`;
    case "conntrack-state":
      return `-m conntrack --ctstate ${match.states.join(",")}`;
    case "mark":
    case "connmark":
      return `-m ${match.kind} ${not(match.negated)}--mark ${match.mark}`;
  }
}

/** The protocol that a condition implies but that nothing in front of it says. */
function impliedProtocol(matches: readonly Match[], index: number): Protocol | undefined {
  const match = matches[index];
  if (match?.kind !== "source-port" && match?.kind !== "destination-port") return undefined;
  const said = matches.slice(0, index).some(({ kind }) => kind === "protocol" || kind === match.kind);
  return said ? undefined : match.protocol;
}

function printMatches(matches: readonly Match[]): string[] {
  return matches.flatMap((match, index) => {
    const protocol = impliedProtocol(matches, index);
    return protocol === undefined ? [printMatch(match)] : [`-p ${protocol}`, printMatch(match)];
  });
}

function printTarget(target: Target): string {
  switch (target.kind) {
    case "return":
    case "accept":
    case "drop":
      return target.kind.toUpperCase();
    case "jump":
      return target.chain;
    case "redirect":
      // iptables takes either form; Istio writes one for each protocol.
      return `REDIRECT ${target.protocol === "udp" ? "--to-port" : "--to-ports"} ${target.port}`;
    case "set-mark":
      return `MARK --set-mark ${target.mark}`;
    case "tproxy":
      return `TPROXY --tproxy-mark ${target.mark}/0xffffffff --on-port ${target.port}`;
    case "save-mark":
      return "CONNMARK --save-mark";
    case "restore-mark":
      return "CONNMARK --restore-mark";
    case "conntrack-zone":
      return `CT --zone ${target.zone}`;
  }
}

/** A rule as a line of iptables-restore: `-A CHAIN …` or `-I CHAIN 1 …`. */
export function printRule({ chain, position, matches, target }: Rule): string {
  const place = position === "append" ? `-A ${chain}` : `-I ${chain} ${position}`;
  return [place, ...printMatches(matches), `-j ${printTarget(target)}`].join(" ");
}

/** Own chains in order of first use, then those that are only jumped to. */
export function ownChains(rules: readonly Rule[]): string[] {
  const used = rules.map(({ chain }) => chain);
  const jumped = rules.flatMap(({ target }) => (target.kind === "jump" ? [target.chain] : []));
  return [...new Set([...used, ...jumped])].filter((chain) => !isBuiltIn(chain));
}

/** The rules of one family by table, in the order in which tables are written; a table without rules is left out. */
export function rulesByTable({ rules }: RuleSet, family: IpFamily): Map<Table, Rule[]> {
  const own = rules.filter((rule) => rule.families.includes(family));
  return new Map(
    tables
      .map((table) => [table, own.filter((rule) => rule.table === table)] as const)
      .filter(([, inTable]) => inTable.length > 0),
  );
}

/** The input of `iptables-restore --noflush` (`ip6tables-restore` for IPv6); empty when there is nothing to write. */
export function printIptables(ruleSet: RuleSet, family: IpFamily): string {
  return [...rulesByTable(ruleSet, family)]
    .flatMap(([table, rules]) => [
      `* ${table}`,
      ...ownChains(rules).map((chain) => `-N ${chain}`),
      ...rules.map(printRule),
      "COMMIT",
    ])
    .map((line) => `${line}\n`)
    .join("");
}
