import type { Backend } from "../mesh/redirect/backend.ts";
import { stateDifferences } from "../mesh/redirect/live/observed.ts";
import { routeAdditions } from "../mesh/redirect/routes.ts";
import type { RuleSet } from "../mesh/redirect/rule.ts";
import { contentOf } from "../mesh/redirect/transition.ts";
import { removeCapture } from "./capture.ts";
import type { NetworkNamespace } from "./netns.ts";
import { readBack } from "./read-back.ts";
import { changeRoutes } from "./routes.ts";
import { exchangeIptables, exchangeNftables, type RuleContext } from "./rules.ts";
import { noRoutes } from "./standing-state.ts";
import { findTools, type Tools } from "./tools.ts";

type Progress = "nothing" | "part" | "rules";

/** Writes every family at once. A chain that is there already makes the kernel refuse the family's whole text. */
async function writeRules(ruleSet: RuleSet, backend: Backend, context: RuleContext): Promise<Progress> {
  const works =
    backend === "nftables"
      ? [exchangeNftables([], ruleSet, context)]
      : ruleSet.families.map((family) => exchangeIptables(backend, family, [], contentOf(ruleSet, family), context));
  const results = await Promise.allSettled(works);
  const written = results.filter(({ status }) => status === "fulfilled").length;
  if (written === 0) return "nothing";
  return written === works.length ? "rules" : "part";
}

async function isComplete(ruleSet: RuleSet, backend: Backend, context: RuleContext): Promise<boolean> {
  try {
    await changeRoutes(routeAdditions(noRoutes, ruleSet.routes), context);
    const state = await readBack(backend, ruleSet.families, ruleSet.routes, context);
    return stateDifferences(ruleSet, backend, state).length === 0;
  } catch {
    return false;
  }
}

/**
 * Writes a rule set into a namespace that is believed to be new, without looking first, and reads every family back: one
 * process a family to write and one to read, where `applyCapture` and `verifyCapture` together take ten.
 *
 * @returns whether all of it stands there now; if not, nothing of it does, and `applyCapture` can say why
 */
export async function captureFresh(
  ruleSet: RuleSet,
  backend: Backend,
  namespace: NetworkNamespace,
  tools: Tools = findTools(),
): Promise<boolean> {
  const context = { tools, namespace };
  const progress = await writeRules(ruleSet, backend, context);
  // Nothing was written: somebody's rules stand there, maybe those of an earlier call, and stay.
  if (progress === "nothing") return false;
  if (progress === "rules" && (await isComplete(ruleSet, backend, context))) return true;
  await removeCapture(namespace);
  return false;
}
