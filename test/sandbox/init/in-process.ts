import assert from "node:assert/strict";
import { Command } from "commander";
import { applyCapture, verifyCapture } from "../../../host/capture.ts";
import { flagsOf, givenSettings, operationOf, withFlags } from "../../../init/command-line.ts";
import { type OperationFlagName, operationFlags } from "../../../init/operation.ts";
import { type Address, parseAddress } from "../../../mesh/address.ts";
import type { BackendWish } from "../../../mesh/redirect/backend.ts";
import { compile } from "../../../mesh/redirect/compile.ts";
import { describeDifference } from "../../../mesh/redirect/describe.ts";
import { resolveCapture } from "../../../mesh/redirect/resolve.ts";
import type { RuleSet } from "../../../mesh/redirect/rule.ts";
import type { InitPod } from "./pod.ts";

/** What flags of `outrigger init` mean in a Pod: as the command has it, in this process. */
function wanted(args: readonly string[], { network }: InitPod): { ruleSet: RuleSet; wish: BackendWish } {
  const command = withFlags(new Command(), Object.keys(operationFlags) as OperationFlagName[]);
  const flags = flagsOf(command.parse(args, { from: "user" }).opts());
  const { nativeNftables, forceIptablesBinary: binary } = operationOf(flags, {});
  const addresses = [network.podIp, network.podIpv6].map((text) => parseAddress(text) as Address);
  const { config } = resolveCapture(givenSettings(flags, {}), { addresses, nameServers: [] });
  return { ruleSet: compile(config), wish: { nativeNftables, binary } };
}

/** Writes the rules as `outrigger init` does: for what a test is not about. */
export async function apply(pod: InitPod, args: readonly string[]): Promise<void> {
  const { ruleSet, wish } = wanted(args, pod);
  await applyCapture(ruleSet, { namespace: pod.namespace, wish });
}

/** Fails with every difference between what stands and what the flags compile to, in every backend. */
export async function assertVerified(pod: InitPod, args: readonly string[]): Promise<void> {
  const { ruleSet, wish } = wanted(args, pod);
  const { differences } = await verifyCapture(ruleSet, { namespace: pod.namespace, wish });
  assert.deepEqual(differences.map(describeDifference), [], args.join(" "));
}
