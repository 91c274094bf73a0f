import type { NodeCluster } from "../cluster/node-cluster.ts";

/** What keeps Pods off a new node until its agent is ready; whoever makes nodes sets it. The key is Istio's. */
export const startupTaint = "cni.istio.io/not-ready";

/**
 * Takes the startup taint off the node, with whatever effects it is there. Returns whether there was one.
 * @throws when somebody changed the taints meanwhile, or the API server refuses; it can be tried again
 */
export async function removeStartupTaint(cluster: Pick<NodeCluster, "readTaints" | "removeTaints">): Promise<boolean> {
  const keys = await cluster.readTaints();
  const positions = keys.flatMap((key, position) => (key === startupTaint ? [position] : []));
  if (positions.length === 0) return false;
  await cluster.removeTaints(positions, startupTaint);
  return true;
}
