import { containers, labels as labelNames } from "../../mesh/names.ts";
import { ownerOf } from "../../mesh/owner.ts";
import { certificateSignerOf } from "./certificate-signer.ts";
import type { NodeObject, PodObject } from "./objects.ts";

export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}

/** A Pod, as far as the mesh is concerned. */
export interface Workload {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly addresses: readonly string[];
  readonly serviceAccount: string;
  /** The signer of the certificate that the kubelet puts into files of its proxy; undefined where there are none. */
  readonly certificateSigner: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly locality: Locality;
  /** The node it runs on; empty while it has none. */
  readonly node: string;
  /** Whether it terminates the mesh's mutual TLS. */
  readonly meshed: boolean;
  /** `istio.io` calls it the canonical service. */
  readonly canonicalName: string;
  readonly canonicalRevision: string;
  /** The Deployment's or other controller's name, else the Pod's: the same as its own sidecar says. */
  readonly owner: string;
  readonly containerPorts: readonly { readonly name?: string; readonly port: number }[];
}

/** Where something stands, as labels of Nodes. */
export const topologyLabels = {
  region: "topology.kubernetes.io/region",
  zone: "topology.kubernetes.io/zone",
  subZone: "topology.istio.io/subzone",
  node: "kubernetes.io/hostname",
} as const;

/** A Pod's own word for its locality, in place of its Node's: `region.zone.subzone`, or with slashes. */
const localityLabel = "istio-locality";

export function localityOf(node: NodeObject | undefined, podLabels: Readonly<Record<string, string>> = {}): Locality {
  const own = podLabels[localityLabel];
  if (own !== undefined) {
    const [region = "", zone = "", subZone = ""] = own.split(own.includes("/") ? "/" : ".");
    return { region, zone, subZone };
  }
  const nodeLabels = node?.metadata?.labels ?? {};
  return {
    region: nodeLabels[topologyLabels.region] ?? "",
    zone: nodeLabels[topologyLabels.zone] ?? "",
    subZone: nodeLabels[topologyLabels.subZone] ?? "",
  };
}

function portsOf(pod: PodObject): Workload["containerPorts"] {
  const all = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return all
    .filter((container) => container.name !== containers.proxy)
    .flatMap((container) => container.ports ?? [])
    .map(({ name, containerPort }) => ({ ...(name === undefined ? {} : { name }), port: containerPort }));
}

/** Whether a Pod has ended: its address may already be another's. */
function hasEnded(pod: PodObject): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** Reads a Pod; undefined once it has ended. */
export function workloadFrom(pod: PodObject, node: NodeObject | undefined): Workload | undefined {
  const { metadata = {} } = pod;
  const { namespace, name } = metadata;
  if (namespace === undefined || name === undefined || hasEnded(pod)) return undefined;
  const labels = metadata.labels ?? {};
  const owner = ownerOf({ metadata }).name;
  const addresses = pod.status?.podIPs?.map(({ ip }) => ip) ?? [pod.status?.podIP];
  return {
    namespace,
    name,
    uid: metadata.uid ?? "",
    addresses: addresses.filter((ip): ip is string => ip !== undefined && ip !== ""),
    serviceAccount: pod.spec?.serviceAccountName ?? "default",
    certificateSigner: certificateSignerOf(pod),
    labels,
    locality: localityOf(node, labels),
    node: pod.spec?.nodeName ?? "",
    meshed: labels[labelNames.tlsMode] === "istio",
    canonicalName: labels["service.istio.io/canonical-name"] ?? labels["app.kubernetes.io/name"] ?? labels.app ?? owner,
    canonicalRevision:
      labels["service.istio.io/canonical-revision"] ??
      labels["app.kubernetes.io/version"] ??
      labels.version ??
      "latest",
    owner,
    containerPorts: portsOf(pod),
  };
}
