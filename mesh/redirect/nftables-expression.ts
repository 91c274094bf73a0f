import { formatCidr } from "../cidr.ts";
import type { PortRange } from "../port-list.ts";
import { nftChain } from "./nftables-layout.ts";
import type { Match, Rule, Table, Target } from "./rule.ts";

/** In which order conditions stand in nat and mangle. In raw they stand as in the rule: both are Istio's way. */
const matchOrder: readonly Match["kind"][] = [
  "family",
  "in-interface",
  "out-interface",
  "protocol",
  "conntrack-state",
  "source",
  "destination",
  "source-port",
  "destination-port",
  "mark",
  "connmark",
  "owner",
];

function ordered({ table, matches }: Rule): readonly Match[] {
  if (table === "raw") return matches;
  return matches.toSorted((a, b) => matchOrder.indexOf(a.kind) - matchOrder.indexOf(b.kind));
}

const not = (negated: boolean): string => (negated ? "!= " : "");

/** A name that no keyword of nft's language is: those have no dash and, but for a few, no digit. */
const unquotedName = /^(?!ip6|icmpv6|sack|rt\d|l\d|sha)[A-Za-z][A-Za-z_]*[0-9-][A-Za-z0-9_-]*$/;

function printInterface(name: string): string {
  const pattern = name.endsWith("+") ? `${name.slice(0, -1)}*` : name;
  return name === "lo" || unquotedName.test(pattern) ? pattern : `"${pattern}"`;
}

function printRange({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function printPorts(ports: readonly PortRange[]): string {
  const printed = ports.map(printRange).join(", ");
  return ports.length === 1 ? printed : `{ ${printed} }`;
}

function printMatch(table: Table, match: Match): string {
  switch (match.kind) {
    case "in-interface":
      return `iifname ${printInterface(match.name)}`;
    case "out-interface":
      return `oifname ${printInterface(match.name)}`;
    case "protocol":
      return `meta l4proto ${match.protocol}`;
    case "family":
      return `meta nfproto ${match.family.toLowerCase()}`;
    case "source":
    case "destination": {
      const field = `${match.cidr.family === "IPv4" ? "ip" : "ip6"} ${match.kind === "source" ? "saddr" : "daddr"}`;
      return `${field} ${not(match.negated)}${formatCidr(match.cidr)}`;
    }
    case "source-port":
      return `${match.protocol} sport ${not(match.negated)}${printPorts(match.ports)}`;
    case "destination-port":
      return `${match.protocol} dport ${not(match.negated)}${printPorts(match.ports)}`;
    case "owner":
      return `${table === "raw" ? "meta " : ""}sk${match.by} ${not(match.negated)}${match.id}`;
    case "conntrack-state":
      return `ct state ${match.states.join(",").toLowerCase()}`;
    case "mark":
      return `mark ${not(match.negated)}${match.mark}`;
    case "connmark":
      return `ct mark ${not(match.negated)}${match.mark}`;
  }
}

function printTarget(rule: Rule, target: Target): string {
  switch (target.kind) {
    case "return":
    case "accept":
    case "drop":
      return `counter ${target.kind}`;
    case "jump":
      return `counter jump ${nftChain(target.chain)}`;
    case "redirect":
      return `counter redirect to :${target.port}`;
    case "set-mark":
      return `counter meta mark set ${target.mark}`;
    case "tproxy": {
      const family = rule.families.includes("IPv6") ? "ip6" : "ip";
      return `tproxy ${family} to :${target.port} meta mark set ${target.mark} counter accept`;
    }
    case "save-mark":
      return "counter ct mark set mark";
    case "restore-mark":
      return "counter meta mark set ct mark";
    case "conntrack-zone":
      return `counter ct zone set ${target.zone}`;
  }
}

/** A rule's conditions and target: `meta l4proto tcp counter jump istio-inbound`. */
export function printExpression(rule: Rule): string {
  const matches = ordered(rule).map((match) => printMatch(rule.table, match));
  return [...matches, printTarget(rule, rule.target)].join(" ");
}
