import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import type { IService } from "kubernetes-models/v1";
import type { InstallSettings } from "../settings.ts";
import { commonLabels, webhookName, webhookPorts, webhookSelector } from "./names.ts";

export function service(settings: InstallSettings): IService {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: webhookName(settings), namespace: settings.namespace, labels: commonLabels(settings) },
    spec: {
      selector: webhookSelector(settings),
      ports: [{ name: "https", port: webhookPorts.service, targetPort: "https", protocol: "TCP" }],
    },
  };
}

/**
 * The webhook is asked by the API server, which is in no Pod and on no address known beforehand, and by Prometheus: one
 * port, from anywhere. It asks the API server and DNS.
 */
export function networkPolicy(settings: InstallSettings): INetworkPolicy {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: webhookName(settings), namespace: settings.namespace, labels: commonLabels(settings) },
    spec: {
      podSelector: { matchLabels: webhookSelector(settings) },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ ports: [{ port: "https", protocol: "TCP" }] }],
      egress: [
        {
          ports: [
            { port: 443, protocol: "TCP" },
            { port: 6443, protocol: "TCP" },
          ],
        },
        {
          ports: [
            { port: 53, protocol: "UDP" },
            { port: 53, protocol: "TCP" },
          ],
        },
      ],
    },
  };
}
