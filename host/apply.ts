import type { RuleSet } from "../mesh/redirect/compile.ts";
import { printIptables } from "../mesh/redirect/iptables.ts";
import type { Family } from "../mesh/redirect/rule.ts";
import { run } from "./command.ts";

const restoreCommands: Readonly<Record<Family, string>> = { ipv4: "iptables-restore", ipv6: "ip6tables-restore" };
/** Envoy calls the application from here, so the address must exist. */
const inboundSourceIpv6 = "::6/128";

/** Writes the rules into this network namespace: one transaction a family. */
export async function applyRules(ruleSet: RuleSet): Promise<void> {
  for (const family of ruleSet.families) {
    const input = printIptables(ruleSet, family);
    await run({ file: restoreCommands[family], args: ["--noflush", "--wait", "30"], input });
  }
  if (ruleSet.families.includes("ipv6")) {
    await run({ file: "ip", args: ["-6", "addr", "replace", inboundSourceIpv6, "dev", "lo"] });
  }
}
