import type { IpFamily } from "../mesh/address.ts";
import type { Backend } from "../mesh/redirect/backend.ts";
import { isOwnNftTable } from "../mesh/redirect/live/nftables-live.ts";
import type { ObservedState } from "../mesh/redirect/live/observed.ts";
import { type OwnPart, ownParts } from "../mesh/redirect/live/own-rules.ts";
import type { Routes } from "../mesh/redirect/routes.ts";
import { commandError } from "./command.ts";
import { listNftables, save } from "./read-tables.ts";
import { observeRoutes } from "./routes.ts";
import type { RuleContext } from "./rules.ts";
import { noRoutes } from "./standing-state.ts";

const noParts: Readonly<Record<IpFamily, readonly OwnPart[]>> = { IPv4: [], IPv6: [] };

async function readRules(backend: Backend, families: readonly IpFamily[], context: RuleContext) {
  const nothing = { iptables: { "iptables-nft": noParts, "iptables-legacy": noParts }, nftables: [] };
  if (backend === "nftables") {
    const read = await listNftables(context);
    if (read !== undefined && "failure" in read) throw commandError(read.failure);
    return { ...nothing, nftables: (read?.tables ?? []).filter(isOwnNftTable) };
  }
  const read = await Promise.all(
    families.map(async (family) => [family, ownParts(await save(backend, family, context))]),
  );
  return { ...nothing, iptables: { ...nothing.iptables, [backend]: { ...noParts, ...Object.fromEntries(read) } } };
}

/**
 * Reads what stands in one backend, in some families, with the routes where routes are wanted: all that somebody needs
 * who has just written there. Others' places are not looked at, so it takes one process a family, and `verifyCapture`
 * is the one that sees everything.
 */
export async function readBack(
  backend: Backend,
  families: readonly IpFamily[],
  wanted: Routes,
  context: RuleContext,
): Promise<ObservedState> {
  const marks = new Set(wanted.markRoutes.map(({ mark }) => mark));
  const looks = wanted.markRoutes.length > 0 || wanted.passthroughAddress;
  const [rules, routes] = await Promise.all([
    readRules(backend, families, context),
    looks ? observeRoutes(marks, context) : noRoutes,
  ]);
  return { ...rules, routes };
}
