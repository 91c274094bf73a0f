import { ownNetwork } from "../../host/facts.ts";
import type { IpFamily } from "../../mesh/address.ts";
import { OutriggerError, type Problem } from "../../mesh/errors.ts";
import { describeDifference } from "../../mesh/redirect/describe.ts";
import type { ResolvedCapture } from "../../mesh/redirect/resolve.ts";
import { compileHere } from "../compile-here.ts";
import type { Operation } from "../operation.ts";
import { type CaptureProbe, type Owner, validationPlan } from "./plan.ts";
import { runProbe } from "./probe.ts";

/** Who this process is to netfilter: whoever opens a socket owns what it sends. */
function ownOwner(): Owner {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
}

function failed(problems: readonly Problem[]): OutriggerError {
  return new OutriggerError("VALIDATION_FAILED", problems);
}

async function prove(probe: CaptureProbe, owner: Owner, { probeTimeoutMs }: Operation): Promise<string> {
  const field = `${probe.family} of uid ${owner.uid}, gid ${owner.gid}`;
  const result = await runProbe(probe, probeTimeoutMs);
  if (result.captured) return `${field}: captured (${result.how})`;
  const remedy = "see outrigger init verify, and whether something else in the Pod changes its rules";
  throw failed([{ field, message: `is not captured: ${result.why}`, remedy }]);
}

/** Where no connection of this user can prove capture, the live rules do, if they can be read. */
async function proveByReading(
  family: readonly IpFamily[],
  { config }: ResolvedCapture,
  { nativeNftables, forceIptablesBinary: binary }: Operation,
  { uid, gid }: Owner,
): Promise<string> {
  const why = `no connection of uid ${uid}, gid ${gid} is captured by these settings`;
  const { verifyCapture } = await import("../../host/capture.ts");
  try {
    const { differences } = await verifyCapture(compileHere(config), { wish: { nativeNftables, binary } });
    if (differences.length === 0) return `${family.join(" and ")}: ${why}; the live rules are what was compiled`;
    throw failed(
      differences.map((difference) => ({ field: "the live rules", message: describeDifference(difference) })),
    );
  } catch (error) {
    if (error instanceof OutriggerError && error.code === "VALIDATION_FAILED") throw error;
    const remedy = `run as one of the proxy's users (${config.proxyUids.join(", ")}), or with NET_ADMIN to read the rules`;
    throw failed([{ field: family.join(" and "), message: `cannot be proven: ${why}`, remedy }]);
  }
}

/**
 * Proves with a real connection, of the user that this process has, that traffic is captured in every family. Returns
 * what was proven, and how.
 * @throws OutriggerError VALIDATION_FAILED with what was not captured, or why it cannot be proven
 */
export async function runValidation(capture: ResolvedCapture, operation: Operation): Promise<string[]> {
  const owner = ownOwner();
  const { probes, unproven } = validationPlan(capture.config, owner, ownNetwork(), operation.probePort);
  const validated: string[] = [];
  for (const probe of probes) validated.push(await prove(probe, owner, operation));
  if (unproven.length > 0) validated.push(await proveByReading(unproven, capture, operation, owner));
  return validated;
}
