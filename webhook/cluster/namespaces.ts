import type { V1Namespace } from "@kubernetes/client-node";
import { follow } from "../../kubernetes/follow.ts";
import type { Labels } from "../../mesh/pod.ts";
import type { ClusterClient } from "./client.ts";

/** The annotations by which OpenShift reserves ids for a namespace. */
const prefix = "openshift.io/sa.scc.";

function reservations({ metadata }: V1Namespace): Labels {
  return Object.fromEntries(Object.entries(metadata?.annotations ?? {}).filter(([name]) => name.startsWith(prefix)));
}

/** Follows what OpenShift reserved for each namespace; only a change of it is told. The function returned ends it. */
export function followNamespaces(
  client: ClusterClient,
  trouble: (error: unknown) => void,
  changed: (annotations: ReadonlyMap<string, Labels>) => void,
): () => void {
  let last: string | undefined;
  const { stop } = follow<V1Namespace>({
    config: client.config,
    path: "/api/v1/namespaces",
    list: () => client.core.listNamespace(),
    trouble,
    changed(found) {
      const annotations = found.map((namespace) => [namespace.metadata?.name ?? "", reservations(namespace)] as const);
      const content = JSON.stringify(annotations);
      if (content === last) return;
      last = content;
      changed(new Map(annotations));
    },
  });
  return stop;
}
