import type { Change } from "../../discovery/registry/objects.ts";

/** A synthetic cluster: Services with a few Pods each, in namespaces, an identity for each Service. */
export interface ClusterSize {
  readonly namespaces: number;
  readonly services: number;
  readonly podsOfService: number;
  /** Who sees a Service. */
  readonly exportTo: string;
}

export interface BenchPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly serviceAccount: string;
  readonly ip: string;
}

const address = (first: number, index: number) => `10.${first}.${(index >> 8) & 255}.${index & 255}`;

export function serviceName(index: number): string {
  return `service-${index}`;
}

export function namespaceOf(index: number, { namespaces }: ClusterSize): string {
  return `team-${index % namespaces}`;
}

export function podsOf(size: ClusterSize): BenchPod[] {
  return Array.from({ length: size.services * size.podsOfService }, (_, index) => {
    const service = Math.floor(index / size.podsOfService);
    const name = `${serviceName(service)}-${index % size.podsOfService}`;
    const namespace = namespaceOf(service, size);
    return {
      namespace,
      name,
      uid: `uid-${index}`,
      serviceAccount: serviceName(service),
      ip: address(100 + (index >> 16), index),
    };
  });
}

export function serviceChange(index: number, size: ClusterSize): Change {
  const name = serviceName(index);
  return {
    kind: "Service",
    deleted: false,
    object: {
      metadata: { name, namespace: namespaceOf(index, size) },
      spec: {
        clusterIP: address(96, index),
        selector: { app: name },
        ports: [{ name: "http", port: 80, targetPort: 8080 }],
      },
    },
  };
}

export function sliceChange(index: number, size: ClusterSize, pods: readonly BenchPod[]): Change {
  const name = serviceName(index);
  return {
    kind: "EndpointSlice",
    deleted: false,
    object: {
      metadata: {
        name: `${name}-1`,
        namespace: namespaceOf(index, size),
        labels: { "kubernetes.io/service-name": name },
      },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080 }],
      endpoints: pods.map(({ namespace, name: pod, ip }) => ({
        addresses: [ip],
        conditions: { ready: true },
        targetRef: { kind: "Pod", namespace, name: pod },
      })),
    },
  };
}

export function podChange({ namespace, name, uid, serviceAccount, ip }: BenchPod): Change {
  const labels = { app: serviceAccount, "security.istio.io/tlsMode": "istio" };
  // The Pods of a Service are one workload's, with one certificate.
  const ownerReferences = [{ kind: "ReplicaSet", name: serviceAccount, controller: true }];
  const generateName = `${serviceAccount}-`;
  return {
    kind: "Pod",
    deleted: false,
    object: {
      metadata: { namespace, name, uid, labels, generateName, ownerReferences },
      spec: { serviceAccountName: serviceAccount, containers: [{ name: "app" }] },
      status: { phase: "Running", podIPs: [{ ip }] },
    },
  };
}

/** Everything there is at the start. */
export function clusterChanges(size: ClusterSize): Change[] {
  const pods = podsOf(size);
  const services = Array.from({ length: size.services }, (_, index) => index);
  const own = (index: number) => pods.slice(index * size.podsOfService, (index + 1) * size.podsOfService);
  return [
    ...services.map((index) => serviceChange(index, size)),
    ...pods.map(podChange),
    ...services.map((index) => sliceChange(index, size, own(index))),
  ];
}
