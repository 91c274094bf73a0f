import { chains } from "../names.ts";
import type { CaptureConfig } from "./config.ts";
import { because, insert, loopbacks, owners, passthroughSources, type ReasonedDraft, rule } from "./draft.ts";
import * as is from "./match.ts";
import type { Match, Table } from "./rule.ts";
import { ownTrafficMark } from "./tproxy-numbers.ts";

/** ISTIO_DIVERT for connections that the proxy has, ISTIO_TPROXY for new ones. */
function tproxyChains(config: CaptureConfig): ReasonedDraft[] {
  const { mark } = config.tproxy;
  return [
    ...because("tproxyMark", "packets of a connection that the proxy has are routed to it", [
      rule("mangle", chains.divert, [], is.setMark(mark)),
      rule("mangle", chains.divert, [], is.accepts),
    ]),
    ...because(
      "inboundPort",
      "a new connection is handed to the proxy with its addresses unchanged",
      loopbacks(config).map((lo) =>
        rule("mangle", chains.tproxy, [is.notDestination(lo), is.tcp], {
          kind: "tproxy",
          port: config.inboundPort,
          mark,
        }),
      ),
    ),
  ];
}

/** What catches inbound traffic that meets the conditions. */
function capture(config: CaptureConfig, matches: readonly Match[]): ReasonedDraft[] {
  const purpose = "inbound traffic goes to the proxy";
  if (config.mode === "REDIRECT") {
    const caught = rule("nat", chains.inbound, matches, is.jump(chains.inboundRedirect));
    return because("inboundPorts", purpose, [caught]);
  }
  return because("inboundPorts", purpose, [
    rule("mangle", chains.inbound, [...matches, is.states("RELATED", "ESTABLISHED")], is.jump(chains.divert)),
    rule("mangle", chains.inbound, matches, is.jump(chains.tproxy)),
  ]);
}

/** In TPROXY mode the tunnel's bypass in the nat table is never reached, so it stands in mangle as well. */
function tunnelBypass({ mode, tunnelPort }: CaptureConfig): ReasonedDraft[] {
  if (mode === "REDIRECT") return [];
  const bypass = rule("mangle", chains.inbound, [is.tcp, is.destinationPort("tcp", tunnelPort)], is.returns);
  return because("tunnelPort", "tunnelled (HBONE) traffic is not captured", [bypass]);
}

/** PREROUTING → ISTIO_INBOUND → ISTIO_IN_REDIRECT, or in TPROXY mode ISTIO_DIVERT and ISTIO_TPROXY. */
export function inbound(config: CaptureConfig): ReasonedDraft[] {
  const { inbound: wanted, mode } = config;
  if (wanted.capture === "none") return [];
  const table: Table = mode === "TPROXY" ? "mangle" : "nat";
  const excluded = wanted.capture === "all" ? wanted.exclude : [];
  const caught =
    wanted.capture === "all" ? [[is.tcp]] : wanted.ports.map((range) => [is.tcp, is.destinationPorts("tcp", range)]);
  return [
    ...(mode === "TPROXY" ? tproxyChains(config) : []),
    ...because("inboundPorts", "traffic that arrives from outside is looked at here", [
      rule(table, "PREROUTING", [is.tcp], is.jump(chains.inbound)),
    ]),
    ...tunnelBypass(config),
    ...because(
      "excludeInboundPorts",
      "traffic to this port is left alone",
      excluded.map((range) => rule(table, chains.inbound, [is.tcp, is.destinationPorts("tcp", range)], is.returns)),
    ),
    ...caught.flatMap((matches) => capture(config, matches)),
  ];
}

/**
 * The marks that keep TPROXY's packets apart on loopback: those of captured connections (the mark of the settings) and
 * those that the proxy sends to its own Pod (1338).
 */
export function tproxyMarks(config: CaptureConfig): ReasonedDraft[] {
  if (config.mode !== "TPROXY") return [];
  const { mark } = config.tproxy;
  const lo = is.to("lo");
  const ownTraffic = owners(config).flatMap((owner) =>
    loopbacks(config).map((loopback) =>
      rule(
        "mangle",
        "OUTPUT",
        [is.notDestination(loopback), is.tcp, lo, is.ownedBy(owner)],
        is.setMark(ownTrafficMark),
      ),
    ),
  );
  return [
    ...because("tproxyMark", "the mark stays with the connection", [
      rule("mangle", "PREROUTING", [is.tcp, is.mark(mark)], { kind: "save-mark" }),
    ]),
    ...because("tproxyMark", "answers of a captured connection keep their way", [
      rule("mangle", "OUTPUT", [is.tcp, lo, is.mark(mark)], is.returns),
    ]),
    ...because("proxyUids", "what the proxy sends to its own Pod is known by its mark", ownTraffic),
    ...because("tproxyMark", "answers of a captured connection get its mark back", [
      rule("mangle", "OUTPUT", [is.tcp, is.connmark(mark)], { kind: "restore-mark" }),
    ]),
    ...because("tproxyMark", "a packet that has the mark has been captured already", [
      insert("mangle", chains.inbound, 1, [is.tcp, is.mark(mark)], is.returns),
    ]),
    ...because(undefined, "the proxy hands inbound traffic to the application from this address", [
      ...passthroughSources(config).map((address) =>
        insert("mangle", chains.inbound, 2, [is.tcp, is.source(address), is.from("lo")], is.returns),
      ),
    ]),
    ...because("proxyUids", "traffic within the Pod is captured only when the proxy sends it", [
      insert("mangle", chains.inbound, 3, [is.tcp, is.from("lo"), is.notMark(ownTrafficMark)], is.returns),
    ]),
  ];
}
