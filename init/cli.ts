import { networkInterfaces } from "node:os";
import { Command } from "commander";
import { OutriggerError } from "../mesh/errors.ts";
import { chains } from "../mesh/names.ts";
import { ports, proxyId } from "../mesh/ports.ts";
import { compile } from "../mesh/redirect/compile.ts";
import { printIptables } from "../mesh/redirect/iptables.ts";
import { captureConfig, type InitFlags } from "./options.ts";

const examples = `
Examples:
  outrigger init -i '*' -b '*' -d 15090,15021,15020            capture everything
  outrigger init -i '*' -b '*' -x 10.0.0.0/8 --dry-run         print the rules, touch nothing
  outrigger init -i '*' -b '*' --outbound-chain ISTIO_OUTPUT   with Istio's name of the outbound chain

--dry-run prints what iptables-restore (and, with IPv6, ip6tables-restore) would be given.
`;

/** IPv6 is captured when the first address that is neither loopback nor link-local is IPv6; dual-stack, when any is. */
function hasIpv6(dualStack: boolean): boolean {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const global = addresses.filter((one) => !one.internal && !one.address.startsWith("fe80:"));
  const [first] = global;
  if (first !== undefined) return (dualStack ? global : [first]).some((one) => one.family === "IPv6");
  throw new OutriggerError("HOST_UNFIT", [
    { field: "network", message: "has no address besides loopback", remedy: "run inside the Pod's network namespace" },
  ]);
}

async function run(flags: InitFlags & { readonly dryRun: boolean; readonly dualStack: boolean }): Promise<void> {
  const ruleSet = compile(captureConfig(flags, hasIpv6(flags.dualStack)));
  if (flags.dryRun) {
    for (const family of ruleSet.families) process.stdout.write(printIptables(ruleSet, family));
    return;
  }
  const { applyRules } = await import("../host/apply.ts");
  await applyRules(ruleSet);
}

/** `outrigger init`: writes the capture rules into the network namespace that it runs in. */
export function command(): Command {
  return new Command("init")
    .description("Write the rules that steer a Pod's traffic through its sidecar. Run by the istio-init container.")
    .option("-p, --envoy-port <port>", "where outbound TCP is sent", String(ports.outbound))
    .option("-z, --inbound-capture-port <port>", "where inbound TCP is sent", String(ports.inbound))
    .option("-e, --inbound-tunnel-port <port>", "the HBONE port, never captured", String(ports.tunnel))
    .option("-u, --proxy-uid <ids>", "users whose traffic is the proxy's own", String(proxyId))
    .option("-g, --proxy-gid <ids>", "groups whose traffic is the proxy's own (default: as --proxy-uid)")
    .option("-m, --istio-inbound-interception-mode <mode>", "how inbound traffic is captured: REDIRECT", "")
    .option("-b, --istio-inbound-ports <ports>", "inbound ports to capture, * is all, empty is none", "")
    .option("-d, --istio-local-exclude-ports <ports>", "inbound ports to leave alone, with -b '*'", "")
    .option("-c, --istio-exclude-interfaces <names>", "interfaces whose traffic is left alone", "")
    .option("-i, --istio-service-cidr <cidrs>", "outbound networks to capture, * is all, empty is none", "")
    .option("-x, --istio-service-exclude-cidr <cidrs>", "outbound networks to leave alone", "")
    .option("-q, --istio-outbound-ports <ports>", "outbound ports to capture whatever the network", "")
    .option("-o, --istio-local-outbound-ports-exclude <ports>", "outbound ports to leave alone", "")
    .option("-k, --kube-virt-interfaces <names>", "interfaces of virtual machines whose traffic is outbound", "")
    .option("--dual-stack", "capture IPv6 also where IPv4 is there", false)
    .option("--outbound-chain <name>", "the name of the outbound chain", chains.outbound)
    .option("-n, --dry-run", "print the iptables-restore input and touch nothing", false)
    .addHelpText("after", examples)
    .action(run);
}
