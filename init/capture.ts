import { hostFacts, userId } from "../host/facts.ts";
import type { Address } from "../mesh/address.ts";
import { proxyId } from "../mesh/ports.ts";
import type { GivenSettings } from "../mesh/redirect/capture-setting.ts";
import { type ResolvedCapture, resolveCapture } from "../mesh/redirect/resolve.ts";
import type { Environment } from "./command-line.ts";

/** The user of the proxy where none is given: that of $ENVOY_USER, or of istio-proxy, else 1337. */
function defaultUser(env: Environment): string {
  const name = env.ENVOY_USER || "istio-proxy";
  return userId(name) ?? String(proxyId);
}

/**
 * The configuration that the settings amount to in this network namespace, or for the addresses of a Pod elsewhere.
 * @throws OutriggerError BAD_CONFIGURATION
 */
export function resolveHere(
  given: GivenSettings,
  env: Environment,
  addresses: readonly Address[] = [],
): ResolvedCapture {
  const { proxyUids, proxyGids, ...others } = given;
  const user = { text: defaultUser(env), field: "--proxy-uid" };
  const users = proxyUids !== undefined && proxyUids.text !== "" ? proxyUids : user;
  const groups = proxyGids !== undefined && proxyGids.text !== "" ? { proxyGids } : {};
  const facts = hostFacts();
  const settings = { ...others, ...groups, proxyUids: users };
  return resolveCapture(settings, addresses.length > 0 ? { ...facts, addresses } : facts);
}
