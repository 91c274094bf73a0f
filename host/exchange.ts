import type { Backend } from "../mesh/redirect/backend.ts";
import { ipFamilies, iptablesBackends, type ObservedState, standingBackends } from "../mesh/redirect/live/observed.ts";
import { routeAdditions, routeDeletions } from "../mesh/redirect/routes.ts";
import type { RuleSet } from "../mesh/redirect/rule.ts";
import { contentOf, contentOfOwn } from "../mesh/redirect/transition.ts";
import { observe } from "./observe.ts";
import { changeRoutes } from "./routes.ts";
import { exchangeIptables, exchangeNftables, type RuleContext } from "./rules.ts";
import { noRoutes, standingState } from "./standing-state.ts";

/** Waits for all, also where one fails: nothing goes on in the back of the error. */
async function settled(works: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(works);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** Writes the rules of every family into the backend, in place of what stands there. */
async function exchangeRules(ruleSet: RuleSet, backend: Backend, before: ObservedState, context: RuleContext) {
  if (backend === "nftables") return exchangeNftables(before.nftables, ruleSet, context);
  await settled(
    ipFamilies.map((family) => {
      const after = ruleSet.families.includes(family) ? contentOf(ruleSet, family) : [];
      return exchangeIptables(backend, family, before.iptables[backend][family], after, context);
    }),
  );
}

/** Removes what stands in backends other than one. */
async function removeFromOthers(backend: Backend | undefined, state: ObservedState, context: RuleContext) {
  const others = iptablesBackends.filter((each) => each !== backend);
  await settled(
    others.flatMap((other) =>
      ipFamilies.map((family) => exchangeIptables(other, family, state.iptables[other][family], [], context)),
    ),
  );
  if (backend !== "nftables") await exchangeNftables(state.nftables, undefined, context);
}

/**
 * Leads a namespace to a rule set. Where rules of the mesh stand, routes change before them, and other backends are emptied
 * after: what might be captured is captured by the old rules or by the new ones, or is dropped.
 */
export async function exchange(ruleSet: RuleSet, backend: Backend, before: ObservedState, context: RuleContext) {
  const fresh = standingBackends(before).length === 0;
  const additions = routeAdditions(before.routes, ruleSet.routes);
  await changeRoutes(routeDeletions(before.routes, ruleSet.routes), context);
  if (!fresh) await changeRoutes(additions, context);
  await exchangeRules(ruleSet, backend, before, context);
  await removeFromOthers(backend, before, context);
  if (fresh) await changeRoutes(additions, context);
}

/** Removes all of the mesh's: routes first, since rules tell which routes are the mesh's. */
export async function removeAll(state: ObservedState, context: RuleContext): Promise<void> {
  await changeRoutes(routeDeletions(state.routes, noRoutes), context);
  await removeFromOthers(undefined, state, context);
}

/**
 * Puts back what stood before, from whatever stands now: rules first, for routes may be what cannot be changed. `marks`
 * are those of the rules that were to be.
 */
export async function rollBack(before: ObservedState, marks: readonly number[], context: RuleContext): Promise<void> {
  const observation = await observe(context);
  const { iptables, nftables } = observation.state;
  await settled(
    iptablesBackends.flatMap((backend) =>
      ipFamilies.map((family) => {
        const [stands, stood] = [iptables[backend][family], before.iptables[backend][family]];
        return exchangeIptables(backend, family, stands, contentOfOwn(stood), context);
      }),
    ),
  );
  // nft writes all or nothing: tables that stood there are there still, unless they were to be removed last of all.
  if (before.nftables.length === 0) await exchangeNftables(nftables, undefined, context);
  const { routes } = await standingState(observation, marks, "always", context);
  await changeRoutes(routeDeletions(routes, before.routes), context);
  await changeRoutes(routeAdditions(routes, before.routes), context);
}
