import type { TestContext } from "node:test";
import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import type { Cluster } from "./cluster.ts";
import { until } from "./waiting.ts";

const apiVersion = "networking.istio.io/v1beta1";

/** Istio's kind, as far as the webhook needs it. */
const definition: KubernetesObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "proxyconfigs.networking.istio.io" },
  spec: {
    group: "networking.istio.io",
    names: { kind: "ProxyConfig", plural: "proxyconfigs", singular: "proxyconfig", listKind: "ProxyConfigList" },
    scope: "Namespaced",
    versions: [
      {
        name: "v1beta1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};

/** A ProxyConfig for a whole namespace. */
export function proxyConfig(namespace: string, spec: unknown): KubernetesObject {
  return { apiVersion, kind: "ProxyConfig", metadata: { name: "all", namespace }, spec };
}

/** Gives the cluster the kind ProxyConfig until the test ends, where it has none. */
export async function proxyConfigKind(cluster: Cluster, test: Pick<TestContext, "after">): Promise<void> {
  if ((await cluster.read(definition)) !== undefined) return;
  test.after(async () => {
    await cluster.delete(definition);
    await until("cluster without ProxyConfig", async () => (await cluster.read(definition)) === undefined);
  });
  await cluster.apply([definition]);
  await until("kind ProxyConfig", async () => Array.isArray(await cluster.list(apiVersion, "ProxyConfig")));
}
