import type { OwnerReference, PodSpec } from "../../mesh/pod.ts";

/**
 * The parts of Kubernetes objects that discovery reads, as the API server or a YAML file has them.
 * Shapes: https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/
 */
export interface KubernetesObject {
  metadata?: {
    name?: string;
    generateName?: string;
    namespace?: string;
    uid?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: OwnerReference[];
    /** Text as the API has it, or what the Kubernetes client made of it. */
    creationTimestamp?: string | Date;
  };
}

export interface ServiceObject extends KubernetesObject {
  spec?: {
    type?: string;
    clusterIP?: string;
    clusterIPs?: string[];
    externalName?: string;
    selector?: Record<string, string>;
    publishNotReadyAddresses?: boolean;
    trafficDistribution?: string;
    ports?: {
      name?: string;
      port: number;
      protocol?: string;
      appProtocol?: string;
      targetPort?: number | string;
    }[];
  };
}

export interface EndpointSliceObject extends KubernetesObject {
  addressType?: string;
  ports?: { name?: string; port?: number; protocol?: string; appProtocol?: string }[];
  endpoints?: {
    addresses: string[];
    conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean };
    hostname?: string;
    nodeName?: string;
    zone?: string;
    targetRef?: { kind?: string; name?: string; namespace?: string };
  }[];
}

export interface PodObject extends KubernetesObject {
  spec?: Partial<PodSpec>;
  status?: { phase?: string; podIP?: string; podIPs?: { ip?: string }[] };
}

export interface NodeObject extends KubernetesObject {}

export interface NamespaceObject extends KubernetesObject {}

export interface PeerAuthenticationObject extends KubernetesObject {
  spec?: {
    selector?: { matchLabels?: Record<string, string> };
    mtls?: { mode?: string };
    portLevelMtls?: Record<string, { mode?: string }>;
  };
}

/** The kinds that discovery watches, and the shape of each. */
export interface ObjectsByKind {
  Service: ServiceObject;
  EndpointSlice: EndpointSliceObject;
  Pod: PodObject;
  Node: NodeObject;
  Namespace: NamespaceObject;
  PeerAuthentication: PeerAuthenticationObject;
}

export type Kind = keyof ObjectsByKind;

export const kinds: readonly Kind[] = ["Namespace", "Node", "Service", "EndpointSlice", "Pod", "PeerAuthentication"];

/** An object that came, changed, or went. */
export type Change = {
  [K in Kind]: { readonly kind: K; readonly object: ObjectsByKind[K]; readonly deleted: boolean };
}[Kind];

/** `namespace/name`; a cluster-scoped object's name alone. */
export function objectKey(object: KubernetesObject): string {
  const { namespace, name = "" } = object.metadata ?? {};
  return namespace === undefined ? name : `${namespace}/${name}`;
}
