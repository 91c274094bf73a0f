import type { IServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import type { INetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import type { IConfigMap, IService } from "kubernetes-models/v1";
import type { InstallSettings } from "../settings.ts";
import { discoveryMetadata, discoveryPorts, discoverySelector } from "./discovery-names.ts";

export function discoveryService(settings: InstallSettings): IService {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: discoveryMetadata(settings),
    spec: {
      selector: discoverySelector(settings),
      ports: [
        { name: "grpc-xds", port: discoveryPorts.ads, targetPort: "grpc-xds", protocol: "TCP" },
        { name: "http-monitoring", port: discoveryPorts.http, targetPort: "http-monitoring", protocol: "TCP" },
      ],
    },
  };
}

/** Discovery fills it with its root; what is not set here is left alone when this is applied again. */
export function discoveryRoot(settings: InstallSettings): IConfigMap {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: discoveryMetadata(settings) };
}

/** Asked by every proxy, by kubelets and by Prometheus; it asks the API server and DNS. */
export function discoveryNetworkPolicy(settings: InstallSettings): INetworkPolicy {
  const tcp = (...ports: (number | string)[]) => ports.map((port) => ({ port, protocol: "TCP" as const }));
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: discoveryMetadata(settings),
    spec: {
      podSelector: { matchLabels: discoverySelector(settings) },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ ports: tcp("grpc-xds", "http-monitoring") }],
      egress: [{ ports: tcp(443, 6443) }, { ports: [{ port: 53, protocol: "UDP" }, ...tcp(53)] }],
    },
  };
}

export function discoveryMonitor(settings: InstallSettings): IServiceMonitor {
  const metadata = discoveryMetadata(settings);
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "ServiceMonitor",
    metadata,
    spec: { selector: { matchLabels: metadata.labels }, endpoints: [{ port: "http-monitoring", path: "/metrics" }] },
  };
}
