import { OutriggerError, type Problem } from "../mesh/errors.ts";
import { type Backend, type BackendReason, type BackendWish, chooseBackend } from "../mesh/redirect/backend.ts";
import {
  type ObservedState,
  type StateDifference,
  standingBackends,
  stateDifferences,
} from "../mesh/redirect/live/observed.ts";
import type { Routes } from "../mesh/redirect/routes.ts";
import type { RuleSet } from "../mesh/redirect/rule.ts";
import { exchange, removeAll, rollBack } from "./exchange.ts";
import { type NetworkNamespace, ownNamespace } from "./netns.ts";
import { type Observation, observe } from "./observe.ts";
import type { RuleContext } from "./rules.ts";
import { standingState } from "./standing-state.ts";
import { findTools } from "./tools.ts";

export interface CaptureOptions {
  readonly namespace?: NetworkNamespace;
  readonly wish: BackendWish;
}

/** Where rules are, and why there. */
export interface ChosenBackend {
  readonly backend: Backend;
  readonly reason: BackendReason;
}

/** What a run did: nothing, for the rules stood already; wrote them where there were none; or exchanged them. */
export interface AppliedCapture extends ChosenBackend {
  readonly outcome: "unchanged" | "written" | "exchanged";
  /** In what the namespace differed before. */
  readonly differences: readonly StateDifference[];
}

/** What a cleanup removed. */
export interface RemovedCapture {
  readonly from: readonly Backend[];
  readonly routes: Routes;
}

/** What is live, against what was compiled. */
export interface VerifiedCapture extends ChosenBackend {
  readonly differences: readonly StateDifference[];
}

function contextOf(namespace: NetworkNamespace = ownNamespace): RuleContext {
  return { tools: findTools(), namespace };
}

function marksOf({ routes }: RuleSet): number[] {
  return routes.markRoutes.map(({ mark }) => mark);
}

/** @throws OutriggerError HOST_UNFIT */
function chosenBackend(wish: BackendWish, { backends }: Observation): ChosenBackend {
  const choice = chooseBackend(wish, backends);
  if (choice.chosen) return choice;
  throw new OutriggerError("HOST_UNFIT", choice.problems);
}

/** The error of a run that failed, which says so if what stood before could not be put back. */
async function rolledBack(error: unknown, before: ObservedState, marks: readonly number[], context: RuleContext) {
  try {
    await rollBack(before, marks, context);
    return error;
  } catch (again) {
    const problems: readonly Problem[] = error instanceof OutriggerError ? error.problems : [];
    const message = `could not be put back as they stood before: ${(again as Error).message}`;
    const remedy = "run init again, or with --cleanup-only; until then traffic may be dropped";
    return new OutriggerError("APPLY_FAILED", [...problems, { field: "the rules", message, remedy }], { cause: error });
  }
}

/**
 * Makes the namespace what the rule set says, whatever of the mesh's stands there, and leaves others' rules alone. Does
 * nothing where it is so already, unless `force`.
 *
 * @throws OutriggerError HOST_UNFIT, or APPLY_FAILED; then what stood before stands again
 */
export async function applyCapture(
  ruleSet: RuleSet,
  { namespace, wish, force = false }: CaptureOptions & { readonly force?: boolean },
): Promise<AppliedCapture> {
  const context = contextOf(namespace);
  const observation = await observe(context);
  const { backend, reason } = chosenBackend(wish, observation);
  const before = await standingState(observation, marksOf(ruleSet), "if-rules-stand", context);
  const differences = stateDifferences(ruleSet, backend, before);
  if (differences.length === 0 && !force) return { backend, reason, outcome: "unchanged", differences };
  try {
    await exchange(ruleSet, backend, before, context);
  } catch (error) {
    throw await rolledBack(error, before, marksOf(ruleSet), context);
  }
  const fresh = standingBackends(before).length === 0;
  return { backend, reason, outcome: fresh ? "written" : "exchanged", differences };
}

/** Removes every rule, route and address of the mesh's from a namespace, whatever put it there. */
export async function removeCapture(namespace?: NetworkNamespace): Promise<RemovedCapture> {
  const context = contextOf(namespace);
  const state = await standingState(await observe(context), [], "always", context);
  await removeAll(state, context);
  return { from: standingBackends(state), routes: state.routes };
}

/** Compares what is live, in every family and backend, with the rule set. */
export async function verifyCapture(ruleSet: RuleSet, { namespace, wish }: CaptureOptions): Promise<VerifiedCapture> {
  const context = contextOf(namespace);
  const observation = await observe(context);
  const { backend, reason } = chosenBackend(wish, observation);
  const state = await standingState(observation, marksOf(ruleSet), "always", context);
  return { backend, reason, differences: stateDifferences(ruleSet, backend, state) };
}
