import type { Pod } from "../../../mesh/pod.ts";

/** An injected Pod without istio-init, as the webhook makes it with CNI. */
export function meshedPod(name: string, annotations: Record<string, string> = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "shop",
      uid: `uid-${name}`,
      annotations: { "sidecar.istio.io/status": "{}", ...annotations },
    },
    spec: {
      nodeName: "node-1",
      containers: [{ name: "app" }, { name: "istio-proxy", args: ["proxy", "sidecar"] }],
      initContainers: [{ name: "istio-validation" }],
    },
  };
}
