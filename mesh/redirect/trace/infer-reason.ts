import { formatCidr, isLoopback } from "../../cidr.ts";
import { chains, dnsChainSuffix, istioOutboundChain } from "../../names.ts";
import { ports } from "../../ports.ts";
import { passthroughSource } from "../config.ts";
import type { Match, Reason } from "../rule.ts";
import type { TraceRule } from "./ruleset.ts";

const outboundChains: readonly string[] = [chains.outbound, istioOutboundChain];

function has(matches: readonly Match[], kind: Match["kind"]): boolean {
  return matches.some((match) => match.kind === kind);
}

function isPassthrough(match: Match): boolean {
  return (
    match.kind === "source" &&
    Object.values(passthroughSource).some((own) => formatCidr(own) === formatCidr(match.cidr))
  );
}

function targets({ target }: TraceRule, chain: string): boolean {
  return target?.kind === "jump" && target.chain === chain;
}

/** Whether a rule of a chain looks like one that a setting makes, and which. The first that fits counts. */
interface Pattern {
  readonly chains: readonly string[];
  readonly fits: (rule: TraceRule) => boolean;
  readonly reason: Reason;
}

function pattern(places: readonly string[], reason: Reason, fits: Pattern["fits"] = () => true): Pattern {
  return { chains: places, fits, reason };
}

const builtIn = ["PREROUTING", "OUTPUT"];
const returns = ({ target }: TraceRule) => target?.kind === "return";
const toPort = (port: number) => (match: Match) =>
  match.kind === "destination-port" && match.ports.some(({ first, last }) => first === port && last === port);

const patterns: readonly Pattern[] = [
  pattern(
    builtIn,
    { setting: "virtualInterfaces", purpose: "what a virtual machine sends is outbound traffic" },
    (rule) => targets(rule, chains.redirect),
  ),
  pattern(
    builtIn,
    { setting: "excludeInterfaces", purpose: "traffic of this interface is left alone" },
    (rule) => returns(rule) && rule.matches.every(({ kind }) => kind === "in-interface" || kind === "out-interface"),
  ),
  pattern(builtIn, { setting: "dropInvalid", purpose: "invalid packets are dropped" }, (rule) =>
    targets(rule, chains.drop),
  ),
  pattern([chains.drop], { setting: "dropInvalid", purpose: "invalid packets are dropped" }),
  pattern(builtIn, { purpose: "a run of init is exchanging rules, or was cut short" }, (rule) =>
    targets(rule, chains.guard),
  ),
  pattern([chains.guard], { purpose: "a run of init is exchanging rules, or was cut short" }),
  pattern(["PREROUTING"], { setting: "inboundPorts", purpose: "traffic that arrives is looked at here" }, (rule) =>
    targets(rule, chains.inbound),
  ),
  pattern(["OUTPUT"], { setting: "outboundChain", purpose: "what the Pod sends is looked at here" }, (rule) =>
    outboundChains.some((chain) => targets(rule, chain)),
  ),
  pattern(
    builtIn,
    { setting: "tproxyMark", purpose: "marks tell captured packets apart" },
    ({ matches, target }) => has(matches, "mark") || has(matches, "connmark") || target?.kind === "set-mark",
  ),
  pattern(
    [chains.inbound],
    { setting: "tunnelPort", purpose: "tunnelled (HBONE) traffic is not captured" },
    (rule) => returns(rule) && rule.matches.some(toPort(ports.tunnel)),
  ),
  pattern([chains.inbound], { setting: "tproxyMark", purpose: "marks tell captured packets apart" }, ({ matches }) =>
    has(matches, "mark"),
  ),
  pattern(
    [chains.inbound, ...outboundChains],
    { purpose: "the proxy hands inbound traffic to the application from this address" },
    ({ matches }) => matches.some(isPassthrough),
  ),
  pattern([chains.inbound], { setting: "excludeInboundPorts", purpose: "traffic to this port is left alone" }, returns),
  pattern([chains.inbound], { setting: "inboundPorts", purpose: "inbound traffic goes to the proxy" }),
  pattern([chains.redirect], { setting: "outboundPort", purpose: "the proxy listens here for outbound traffic" }),
  pattern([chains.inboundRedirect, chains.tproxy], {
    setting: "inboundPort",
    purpose: "the proxy listens here for inbound traffic",
  }),
  pattern([chains.divert], {
    setting: "tproxyMark",
    purpose: "packets of a connection that the proxy has are routed to it",
  }),
  pattern(
    outboundChains,
    { setting: "redirectDns", purpose: "DNS is looked at here" },
    ({ target }) => target?.kind === "jump" && target.chain.endsWith(dnsChainSuffix),
  ),
  pattern(
    outboundChains.map((chain) => `${chain}${dnsChainSuffix}`),
    { setting: "redirectDns", purpose: "DNS goes to the proxy" },
  ),
  pattern(outboundChains, { setting: "proxyUids", purpose: "the proxy's own traffic" }, ({ matches }) =>
    matches.some((match) => match.kind === "owner" && match.by === "uid"),
  ),
  pattern(
    outboundChains,
    { setting: "proxyGids", purpose: "traffic of this group, the proxy's or an excluded one" },
    ({ matches }) => has(matches, "owner"),
  ),
  pattern(
    outboundChains,
    { setting: "excludeOutboundPorts", purpose: "traffic to this port is left alone" },
    (rule) => returns(rule) && has(rule.matches, "destination-port"),
  ),
  pattern(
    outboundChains,
    { setting: "loopback", purpose: "traffic to loopback is left alone" },
    (rule) => returns(rule) && rule.matches.some((match) => match.kind === "destination" && isLoopback(match.cidr)),
  ),
  pattern(
    outboundChains,
    { setting: "excludeOutboundCidrs", purpose: "traffic to this range is left alone" },
    (rule) => returns(rule) && has(rule.matches, "destination"),
  ),
  pattern(outboundChains, { setting: "ownerGroups", purpose: "only the traffic of some groups is captured" }, returns),
  pattern(
    outboundChains,
    { setting: "outboundPorts", purpose: "traffic to this port goes to the proxy" },
    ({ matches }) => has(matches, "destination-port"),
  ),
  pattern(outboundChains, { setting: "outboundCidrs", purpose: "outbound traffic goes to the proxy" }),
];

/** Why a live rule is probably there: the kernel keeps rules, not reasons. Undefined for a rule of others. */
export function inferReason(chain: string, rule: TraceRule): Reason | undefined {
  return patterns.find(({ chains: places, fits }) => places.includes(chain) && fits(rule))?.reason;
}
