import { canonicalCidr, formatCidr } from "../../cidr.ts";
import type { PortRange } from "../../port-list.ts";
import type { Match, Target } from "../rule.ts";

/** Conditions without what others imply: a protocol that a port names, a range that is every address of its family. */
function essential(matches: readonly Match[]): Match[] {
  const named = new Set(
    matches.flatMap((match) =>
      match.kind === "source-port" || match.kind === "destination-port" ? [match.protocol] : [],
    ),
  );
  return matches
    .filter((match) => match.kind !== "protocol" || !named.has(match.protocol))
    .map((match) => {
      const everything =
        (match.kind === "source" || match.kind === "destination") && !match.negated && match.cidr.prefixLength === 0;
      return everything ? { kind: "family", family: match.cidr.family } : match;
    });
}

/** Ports as a set, as nft keeps them: each once, in one order. */
function ranges(ports: readonly PortRange[]): string {
  return [...new Set(ports.map(({ first, last }) => `${first}-${last}`))].sort().join(",");
}

function describeMatch(match: Match): string {
  const not = "negated" in match && match.negated ? "not " : "";
  switch (match.kind) {
    case "in-interface":
    case "out-interface":
      return `${match.kind} ${match.name}`;
    case "protocol":
      return `protocol ${match.protocol}`;
    case "family":
      return `family ${match.family}`;
    case "source":
    case "destination":
      return `${not}${match.kind} ${formatCidr(canonicalCidr(match.cidr))}`;
    case "source-port":
    case "destination-port":
      return `${not}${match.protocol} ${match.kind} ${ranges(match.ports)}`;
    case "owner":
      return `${not}owner ${match.by} ${match.id}`;
    case "conntrack-state":
      return `state ${match.states.toSorted().join(",")}`;
    case "mark":
    case "connmark":
      return `${not}${match.kind} ${match.mark}`;
  }
}

function describeTarget(target: Target): string {
  switch (target.kind) {
    case "jump":
      return `jump ${target.chain}`;
    case "redirect":
      return `redirect ${target.port}`;
    case "set-mark":
      return `set-mark ${target.mark}`;
    case "tproxy":
      return `tproxy ${target.port} mark ${target.mark}`;
    case "conntrack-zone":
      return `zone ${target.zone}`;
    default:
      return target.kind;
  }
}

/**
 * A rule's conditions and target in one form, however they were written: two rules with the same form do the same in
 * tables of the same kind.
 *
 * `within` says whether the table holds the packets of one family, where a condition on the family says nothing.
 */
export function canonicalForm(
  rule: { readonly matches: readonly Match[]; readonly target: Target },
  within: "one-family" | "both-families",
): string {
  const matches = essential(rule.matches)
    .filter(({ kind }) => within === "both-families" || kind !== "family")
    .map(describeMatch)
    .sort();
  return [...matches, describeTarget(rule.target)].join("; ");
}
