import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { describeObject } from "../../deploy/install/progress.ts";
import type { Cluster } from "./cluster.ts";

/** What comes and goes by itself, whoever does what. */
const restless = new Set(["Event", "Lease", "Endpoints", "EndpointSlice", "ReplicaSet", "Pod", "ControllerRevision"]);

interface GroupList {
  readonly groups: readonly { readonly preferredVersion: { readonly groupVersion: string } }[];
}

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly verbs: readonly string[] }[];
}

/**
 * The names of all objects of all kinds, sorted, without those of test namespaces and those that controllers make and
 * drop all the time.
 */
export async function everyObject(cluster: Cluster): Promise<string[]> {
  const { api } = cluster;
  const { body } = await api.request<GroupList>({ path: "/apis" });
  const versions = ["v1", ...body.groups.map(({ preferredVersion }) => preferredVersion.groupVersion)];
  const found: string[] = [];
  for (const version of versions) {
    const path = version === "v1" ? "/api/v1" : `/apis/${version}`;
    const { resources } = (await api.request<ResourceList>({ path })).body;
    for (const { name, kind, verbs } of resources) {
      if (name.includes("/") || !verbs.includes("list") || !verbs.includes("delete") || restless.has(kind)) continue;
      const { items } = (await api.request<{ items: KubernetesObject[] }>({ path: `${path}/${name}` })).body;
      found.push(...items.map((item) => describeObject({ ...item, apiVersion: version, kind })));
    }
  }
  return found.filter((object) => !/ test-[0-9a-f]{8}/.test(object)).sort();
}
