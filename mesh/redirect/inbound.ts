import { chains } from "../names.ts";
import type { CaptureConfig } from "./config.ts";
import { type Draft, divertedMark, inboundSources, insert, loopbacks, ownChains, owners, rule } from "./draft.ts";
import * as is from "./match.ts";
import type { Match, Table, Target } from "./rule.ts";

function tproxyChains(config: CaptureConfig): Draft[] {
  const target: Target = { kind: "tproxy", mark: config.tproxyMark, port: config.inboundPort };
  return [
    rule("mangle", ownChains.divert, [], is.setMark(config.tproxyMark)),
    rule("mangle", ownChains.divert, [], { kind: "accept" }),
    ...loopbacks(config).map((lo) => rule("mangle", ownChains.tproxy, [is.notDestination(lo), is.tcp], target)),
  ];
}

function captureInbound(config: CaptureConfig, matches: readonly Match[]): Draft[] {
  if (config.mode === "REDIRECT") return [rule("nat", chains.inbound, matches, is.jump(chains.inboundRedirect))];
  const established = [...matches, is.states("RELATED", "ESTABLISHED")];
  return [
    rule("mangle", chains.inbound, established, is.jump(ownChains.divert)),
    rule("mangle", chains.inbound, matches, is.jump(ownChains.tproxy)),
  ];
}

export function inbound(config: CaptureConfig): Draft[] {
  const { includeInboundPorts: included, excludeInboundPorts: excluded, mode } = config;
  if (included.length === 0) return [];
  const table: Table = mode === "TPROXY" ? "mangle" : "nat";
  const toPort = (port: string): Match[] => [is.tcp, is.destinationPort(port)];
  const captured =
    included === "*"
      ? [
          ...excluded.map((port) => rule(table, chains.inbound, toPort(port), is.returns)),
          ...captureInbound(config, [is.tcp]),
        ]
      : included.flatMap((port) => captureInbound(config, toPort(port)));
  return [
    ...(mode === "TPROXY" ? tproxyChains(config) : []),
    rule(table, "PREROUTING", [is.tcp], is.jump(chains.inbound)),
    ...captured,
  ];
}

export function tproxyMarks(config: CaptureConfig): Draft[] {
  if (config.mode !== "TPROXY") return [];
  const mark = config.tproxyMark;
  const lo = is.to("lo");
  return [
    rule("mangle", "PREROUTING", [is.tcp, is.mark(mark)], { kind: "save-mark" }),
    rule("mangle", "OUTPUT", [is.tcp, lo, is.mark(mark)], is.returns),
    ...owners(config).flatMap((owner) =>
      loopbacks(config).map((address) =>
        rule("mangle", "OUTPUT", [is.notDestination(address), is.tcp, lo, is.ownedBy(owner)], is.setMark(divertedMark)),
      ),
    ),
    rule("mangle", "OUTPUT", [is.tcp, is.connmark(mark)], { kind: "restore-mark" }),
    insert("mangle", chains.inbound, 1, [is.tcp, is.mark(mark)], is.returns),
    ...inboundSources.map((address) =>
      insert("mangle", chains.inbound, 2, [is.tcp, is.source(address), is.from("lo")], is.returns),
    ),
    insert("mangle", chains.inbound, 3, [is.tcp, is.from("lo"), is.notMark(divertedMark)], is.returns),
  ];
}
