import type { AppliedCapture } from "../host/capture.ts";
import type { Address } from "../mesh/address.ts";
import { OutriggerError } from "../mesh/errors.ts";
import type { GivenSettings } from "../mesh/redirect/capture-setting.ts";
import type { ResolvedCapture } from "../mesh/redirect/resolve.ts";
import { noRules } from "../mesh/redirect/rule.ts";
import { resolveHere } from "./capture.ts";
import { type Environment, type Flags, givenSettings, operationOf } from "./command-line.ts";
import { compileHere } from "./compile-here.ts";
import { printDryRun } from "./dry-run.ts";
import type { Operation } from "./operation.ts";
import { readPodFile } from "./pod-file.ts";
import { printReport, type Report } from "./report.ts";

/**
 * The configuration from flags and variables, and below them those of a Pod; undefined when the Pod wants no capture.
 * `elsewhere` has the addresses of a Pod that does not run here.
 */
export async function resolved(
  { fromPod, cniMode }: Operation,
  flags: Flags,
  env: Environment,
  elsewhere: readonly Address[] = [],
): Promise<ResolvedCapture | undefined> {
  const given: GivenSettings = givenSettings(flags, env);
  if (fromPod === "") return resolveHere(given, env, elsewhere);
  const { capture, addresses } = await readPodFile(fromPod, cniMode);
  const known = addresses.length > 0 ? addresses : elsewhere;
  return capture.captured ? resolveHere({ ...capture.settings, ...given }, env, known) : undefined;
}

/** What a Pod with interception mode NONE is told. */
const notCaptured = "the Pod's interception mode is NONE: nothing is captured";

async function apply({ config }: ResolvedCapture, operation: Operation): Promise<AppliedCapture> {
  const { applyCapture } = await import("../host/capture.ts");
  const { nativeNftables, forceIptablesBinary: binary, forceApply: force } = operation;
  return applyCapture(compileHere(config), { wish: { nativeNftables, binary }, force });
}

/** Writes the rules and proves that they work, as far as each is asked for, and tells of both. */
async function applyAndValidate(capture: ResolvedCapture, operation: Operation): Promise<void> {
  const applied = operation.skipRuleApply ? undefined : await apply(capture, operation);
  let report: Report = { ...capture, ...(applied !== undefined && { applied }) };
  try {
    if (operation.runValidation) {
      const { runValidation } = await import("./validation/run-validation.ts");
      report = { ...report, validated: await runValidation(capture, operation) };
    }
  } finally {
    printReport(report, operation.output);
  }
}

/** Removes what stands there. */
async function cleanUp({ output }: Operation, nothing?: string): Promise<void> {
  const { removeCapture } = await import("../host/capture.ts");
  printReport({ ...(nothing !== undefined && { nothing }), removed: await removeCapture() }, output);
}

/** What a dry run of a cleanup is told: what it would remove, only reading the namespace could tell. */
const cleanupUnseen = "a cleanup removes what it finds, and a dry run does not look: nothing is printed";

/** Says why nothing is done; the standard output of a dry run has what commands take, and nothing else. */
function printNothing(why: string, { dryRun, output }: Operation): void {
  if (dryRun && output === "text") process.stderr.write(`${why}\n`);
  else printReport({ nothing: why }, output);
}

/** Does what the flags and variables of `outrigger init` say. */
export async function runInit(flags: Flags, env: Environment): Promise<void> {
  const operation = operationOf(flags, env);
  if (operation.networkNamespace !== "" && !operation.dryRun) {
    const { runInNamespace } = await import("./enter-namespace.ts");
    return runInNamespace(operation.networkNamespace);
  }
  if (operation.cleanupOnly) {
    return operation.dryRun ? printNothing(cleanupUnseen, operation) : cleanUp(operation);
  }
  const capture = await resolved(operation, flags, env);
  if (capture === undefined) {
    const leaves = operation.dryRun || operation.skipRuleApply;
    return leaves ? printNothing(notCaptured, operation) : cleanUp(operation, notCaptured);
  }
  if (operation.dryRun) return printDryRun(capture, operation, env);
  await applyAndValidate(capture, operation);
}

/**
 * Compares the live state with what the flags and variables compile to.
 * @throws OutriggerError VALIDATION_FAILED
 */
export async function runVerify(flags: Flags, env: Environment): Promise<void> {
  const operation = operationOf(flags, env);
  if (operation.networkNamespace !== "") {
    const { runInNamespace } = await import("./enter-namespace.ts");
    return runInNamespace(operation.networkNamespace);
  }
  const capture = await resolved(operation, flags, env);
  const { verifyCapture } = await import("../host/capture.ts");
  const { nativeNftables, forceIptablesBinary: binary } = operation;
  const ruleSet = capture === undefined ? noRules : compileHere(capture.config);
  const verified = await verifyCapture(ruleSet, { wish: { nativeNftables, binary } });
  printReport({ ...(capture ?? { nothing: notCaptured }), verified }, operation.output);
  if (verified.differences.length > 0) process.exitCode = new OutriggerError("VALIDATION_FAILED", []).exitCode;
}
