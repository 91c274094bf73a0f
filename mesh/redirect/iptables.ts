import type { RuleSet } from "./compile.ts";
import type { Family, Match, Rule, Table, Target } from "./rule.ts";

const tables: readonly Table[] = ["filter", "mangle", "nat", "raw"];
const builtInChains = new Set(["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]);

const not = (negated: true | undefined): string => (negated === true ? "! " : "");

function printMatch(match: Match): string {
  switch (match.kind) {
    case "in-interface":
      return `-i ${match.name}`;
    case "out-interface":
      return `-o ${match.name}`;
    case "protocol":
      return `-p ${match.protocol}`;
    case "source":
      return `${not(match.negated)}-s ${match.cidr.text}`;
    case "destination":
      return `${not(match.negated)}-d ${match.cidr.text}`;
    case "source-port":
      return `${not(match.negated)}--sport ${match.port}`;
    case "destination-port":
      return `${not(match.negated)}--dport ${match.port}`;
    case "destination-ports":
      return `-m multiport ${not(match.negated)}--dports ${match.ports.join(",")}`;
    case "owner":
      return `-m owner ${not(match.negated)}--${match.by}-owner ${match.id}`;
    case "conntrack-state":
      return `-m conntrack --ctstate ${match.states.join(",")}`;
    case "mark":
      return `-m mark ${not(match.negated)}--mark ${match.mark}`;
    case "connmark":
      return `-m connmark --mark ${match.mark}`;
  }
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

function printRule({ chain, position, matches, target }: Rule): string {
  const place = position === "append" ? `-A ${chain}` : `-I ${chain} ${position}`;
  return [place, ...matches.map(printMatch), `-j ${printTarget(target)}`].join(" ");
}

/** Own chains in order of first use, then those that are only jumped to. */
function declaredChains(rules: readonly Rule[]): string[] {
  const used = rules.map(({ chain }) => chain);
  const jumped = rules.flatMap(({ target }) => (target.kind === "jump" ? [target.chain] : []));
  return [...new Set([...used, ...jumped])].filter((chain) => !builtInChains.has(chain));
}

/** The input of `iptables-restore --noflush` (`ip6tables-restore` for IPv6); empty when there is nothing to write. */
export function printIptables({ rules }: RuleSet, family: Family): string {
  return tables
    .map((table) => ({ table, own: rules.filter((rule) => rule.table === table && rule.families.includes(family)) }))
    .filter(({ own }) => own.length > 0)
    .map(({ table, own }) =>
      [`* ${table}`, ...declaredChains(own).map((chain) => `-N ${chain}`), ...own.map(printRule), "COMMIT", ""].join(
        "\n",
      ),
    )
    .join("");
}
