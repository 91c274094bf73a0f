/** Which Pod the container runtime means. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  /** Undefined when the runtime does not say it. */
  readonly uid: string | undefined;
}

/** The pairs of CNI_ARGS, in any order: `IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0`. */
function pairsOf(args: string): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of args.split(";")) {
    const equals = pair.indexOf("=");
    // As the plugin has it: of two pairs with one name the first counts.
    if (equals > 0 && !pairs.has(pair.slice(0, equals))) pairs.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  return pairs;
}

/** The Pod that CNI_ARGS names, or undefined when they name none: then the network is not made for Kubernetes. */
export function podIdentity(args: string): PodIdentity | undefined {
  const pairs = pairsOf(args);
  const namespace = pairs.get("K8S_POD_NAMESPACE") ?? "";
  const name = pairs.get("K8S_POD_NAME") ?? "";
  if (namespace === "" || name === "") return undefined;
  const uid = pairs.get("K8S_POD_UID") ?? "";
  return { namespace, name, uid: uid === "" ? undefined : uid };
}
