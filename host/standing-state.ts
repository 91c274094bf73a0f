import { type ObservedState, observedMarks, standingBackends } from "../mesh/redirect/live/observed.ts";
import type { Routes } from "../mesh/redirect/routes.ts";
import type { Observation } from "./observe.ts";
import { observeAddress, observeRoutes, requireIp } from "./routes.ts";
import type { RuleContext } from "./rules.ts";

export const noRoutes: Routes = { markRoutes: [], passthroughAddress: false };

/** The mark of TPROXY unless settings say otherwise. */
const usualMark = 1337;

/**
 * What stands, with its routes: these are looked at where rules of the mesh stand, or always. `marks` are those of the
 * rules that are to be, besides which those that stand have theirs. Where neither has any, there are no routes to be
 * known, and `ip` may be missing.
 * @throws OutriggerError HOST_UNFIT
 */
export async function standingState(
  { state }: Observation,
  marks: readonly number[],
  look: "always" | "if-rules-stand",
  context: RuleContext,
): Promise<ObservedState> {
  const standing = standingBackends({ ...state, routes: noRoutes }).length > 0;
  const inUse = new Set([...observedMarks(state), ...marks]);
  if (inUse.size > 0) requireIp(context.tools);
  const looks = context.tools.ip !== undefined && (standing || look === "always");
  const routes = looks
    ? await observeRoutes(new Set([...inUse, usualMark]), context)
    : observeAddress(context.namespace);
  return { ...state, routes };
}
