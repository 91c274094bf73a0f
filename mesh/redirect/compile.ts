import { chains } from "../names.ts";
import { type CaptureConfig, families } from "./config.ts";
import { because, finish, insert, type ReasonedDraft, rule } from "./draft.ts";
import { inbound, tproxyMarks } from "./inbound.ts";
import * as is from "./match.ts";
import { outbound } from "./outbound.ts";
import { routesOf } from "./routes.ts";
import type { RuleSet, Table } from "./rule.ts";

function excludedInterfaces({ excludeInterfaces, mode }: CaptureConfig): ReasonedDraft[] {
  const tables: Table[] = mode === "TPROXY" ? ["nat", "mangle"] : ["nat"];
  return because(
    "excludeInterfaces",
    "traffic of this interface is left alone",
    excludeInterfaces.flatMap((name) =>
      tables.flatMap((table) => [
        rule(table, "PREROUTING", [is.from(name)], is.returns),
        rule(table, "OUTPUT", [is.to(name)], is.returns),
      ]),
    ),
  );
}

function virtualInterfaceReturns({ virtualInterfaces }: CaptureConfig): ReasonedDraft[] {
  return because(
    "virtualInterfaces",
    "what a virtual machine sends is not inbound traffic",
    virtualInterfaces.map((name) => insert("nat", "PREROUTING", 1, [is.from(name)], is.returns)),
  );
}

function invalidDrop({ dropInvalid }: CaptureConfig): ReasonedDraft[] {
  if (!dropInvalid) return [];
  return because("dropInvalid", "an invalid packet would pass by NAT and reset its connection", [
    rule("mangle", "PREROUTING", [is.states("INVALID")], is.jump(chains.drop)),
    rule("mangle", chains.drop, [], is.drops),
  ]);
}

function redirectChains({ tunnelPort, outboundPort, inboundPort }: CaptureConfig): ReasonedDraft[] {
  return [
    ...because("tunnelPort", "tunnelled (HBONE) traffic is not captured", [
      rule("nat", chains.inbound, [is.tcp, is.destinationPort("tcp", tunnelPort)], is.returns),
    ]),
    ...because("outboundPort", "the proxy listens here for outbound traffic", [
      rule("nat", chains.redirect, [is.tcp], is.redirect("tcp", outboundPort)),
    ]),
    ...because("inboundPort", "the proxy listens here for inbound traffic", [
      rule("nat", chains.inboundRedirect, [is.tcp], is.redirect("tcp", inboundPort)),
    ]),
  ];
}

/** Compiles the settings into the rules, in the order in which they are added to the kernel. */
export function compile(config: CaptureConfig): RuleSet {
  const captured = families(config);
  const drafts = [
    ...excludedInterfaces(config),
    ...virtualInterfaceReturns(config),
    ...invalidDrop(config),
    ...redirectChains(config),
    ...inbound(config),
    ...outbound(config),
    ...tproxyMarks(config),
  ];
  return { families: captured, rules: finish(drafts, captured), routes: routesOf(config) };
}
