import type { V1Node } from "@kubernetes/client-node";
import { follow } from "../../kubernetes/follow.ts";
import type { ClusterNode } from "../cluster-facts.ts";
import type { ClusterClient } from "./client.ts";

function clusterNode({ metadata, status }: V1Node): ClusterNode {
  return { name: metadata?.name ?? "", kubeletVersion: status?.nodeInfo?.kubeletVersion ?? "" };
}

/**
 * Follows the nodes, as far as native sidecars depend on them: their kubelets' versions. Nodes report their state all
 * the time; only a change of these is told. The function returned ends it.
 */
export function followNodes(
  client: ClusterClient,
  trouble: (error: unknown) => void,
  changed: (nodes: readonly ClusterNode[]) => void,
): () => void {
  let last: string | undefined;
  const { stop } = follow<V1Node>({
    config: client.config,
    path: "/api/v1/nodes",
    list: () => client.core.listNode(),
    trouble,
    changed(found) {
      const nodes = found.map(clusterNode);
      const content = JSON.stringify(nodes);
      if (content === last) return;
      last = content;
      changed(nodes);
    },
  });
  return stop;
}
