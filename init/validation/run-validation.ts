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

/** What a probe showed: proven, and how; or that this connection proves nothing, and why. */
type Proof = { readonly proven: string } | { readonly unproven: Unproven };

interface Unproven {
  readonly family: IpFamily;
  readonly why: string;
}

async function prove(probe: CaptureProbe, owner: Owner, { probeTimeoutMs }: Operation): Promise<Proof> {
  const { family } = probe;
  const field = `${family} of uid ${owner.uid}, gid ${owner.gid}`;
  const result = await runProbe(probe, probeTimeoutMs);
  if (result.captured === true) return { proven: `${field}: captured (${result.how})` };
  if (result.captured === "unknown") return { unproven: { family, why: `there is no route (${result.why})` } };
  const remedy = "see outrigger init verify, and whether something else in the Pod changes its rules";
  throw failed([{ field, message: `is not captured: ${result.why}`, remedy }]);
}

/** Where no connection of this user can prove capture, the live rules do, if they can be read. */
async function proveByReading(
  unproven: readonly Unproven[],
  { config }: ResolvedCapture,
  { nativeNftables, forceIptablesBinary: binary }: Operation,
): Promise<string> {
  const field = unproven.map(({ family }) => family).join(" and ");
  const why = [...new Set(unproven.map((each) => each.why))].join("; ");
  const { verifyCapture } = await import("../../host/capture.ts");
  try {
    const { differences } = await verifyCapture(compileHere(config), { wish: { nativeNftables, binary } });
    if (differences.length === 0) return `${field}: ${why}; the live rules are what was compiled`;
    throw failed(
      differences.map((difference) => ({ field: "the live rules", message: describeDifference(difference) })),
    );
  } catch (error) {
    if (error instanceof OutriggerError && error.code === "VALIDATION_FAILED") throw error;
    const remedy = `run as one of the proxy's users (${config.proxyUids.join(", ")}), or with NET_ADMIN to read the rules`;
    throw failed([{ field, message: `cannot be proven: ${why}`, remedy }]);
  }
}

/**
 * Proves with a real connection, of the user that this process has, that traffic is captured in every family. Returns
 * what was proven, and how.
 * @throws OutriggerError VALIDATION_FAILED with what was not captured, or why it cannot be proven
 */
export async function runValidation(capture: ResolvedCapture, operation: Operation): Promise<string[]> {
  const owner = ownOwner();
  const plan = validationPlan(capture.config, owner, ownNetwork(), operation.probePort);
  const why = `no connection of uid ${owner.uid}, gid ${owner.gid} is captured by these settings`;
  const unproven: Unproven[] = plan.unproven.map((family) => ({ family, why }));
  const validated: string[] = [];
  for (const probe of plan.probes) {
    const proof = await prove(probe, owner, operation);
    if ("proven" in proof) validated.push(proof.proven);
    else unproven.push(proof.unproven);
  }
  if (unproven.length > 0) validated.push(await proveByReading(unproven, capture, operation));
  return validated;
}
