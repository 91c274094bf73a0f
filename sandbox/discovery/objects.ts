import type { MeshPolicy } from "../manifest/manifest.ts";
import { type Backend, backendsOf, isHeadless, type PlacedService, targetPort } from "../network/services.ts";

/** A Pod as the control plane sees it. */
export interface DiscoveredPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid?: unknown;
    readonly labels: Readonly<Record<string, string>>;
  };
  /** What made it: `Deployment/front`. */
  readonly workload: string;
  readonly serviceAccountName: string;
  readonly ips: readonly string[];
  readonly backend: Backend | undefined;
  readonly ports: Backend["ports"];
}

type KubernetesObject = Readonly<Record<string, unknown>>;

function podObject({ metadata, workload, serviceAccountName, ips, ports }: DiscoveredPod): KubernetesObject {
  const [kind, name] = workload.split("/");
  // As a controller does: by it a Pod is known to be one of its workload's.
  const generateName = `${name}-`;
  return {
    kind: "Pod",
    metadata: { ...metadata, generateName, ownerReferences: [{ kind, name, controller: true }] },
    spec: { serviceAccountName, containers: [{ name: "all", ports }] },
    status: { phase: "Running", podIPs: ips.map((ip) => ({ ip })) },
  };
}

function serviceObject(service: PlacedService): KubernetesObject {
  const { name, namespace, spec, clusterIps } = service;
  const clusterIPs = isHeadless(service) ? ["None"] : clusterIps;
  return { kind: "Service", metadata: { name, namespace }, spec: { ...spec, clusterIP: clusterIPs[0], clusterIPs } };
}

/** One slice for each Pod: Pods may have other numbers for the same name of a port. */
function sliceObjects(service: PlacedService, backends: readonly Backend[]): KubernetesObject[] {
  return backendsOf(service, backends).map((backend) => ({
    kind: "EndpointSlice",
    metadata: {
      name: `${service.name}-${backend.name}`,
      namespace: service.namespace,
      labels: { "kubernetes.io/service-name": service.name },
    },
    addressType: backend.ips[0]?.includes(":") === true ? "IPv6" : "IPv4",
    ports: service.spec.ports.map((port) => ({
      name: port.name,
      port: targetPort(port, backend),
      protocol: port.protocol,
    })),
    endpoints: [
      {
        addresses: backend.ips.slice(0, 1),
        conditions: { ready: true },
        hostname: backend.hostname,
        targetRef: { kind: "Pod", name: backend.name, namespace: backend.namespace },
      },
    ],
  }));
}

/** The sandbox as a cluster's objects, as the control plane reads them. */
export function discoveryObjects(
  services: readonly PlacedService[],
  pods: readonly DiscoveredPod[],
  policies: readonly MeshPolicy[],
): KubernetesObject {
  const backends = pods.flatMap(({ backend }) => backend ?? []);
  const items = [
    ...policies,
    ...services.map(serviceObject),
    ...pods.map(podObject),
    ...services.flatMap((service) => sliceObjects(service, backends)),
  ];
  return { kind: "List", apiVersion: "v1", items };
}
