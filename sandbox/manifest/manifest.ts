import type { JsonObject } from "../../mesh/pod.ts";
import type { ServiceObject } from "./kinds.ts";

/** Something that makes Pods: how, and the Pod template (for a Pod: itself) as it was written. */
export type Workload = {
  readonly name: string;
  readonly namespace: string;
  readonly template: JsonObject;
} & (
  | { readonly kind: "Pod" }
  | { readonly kind: "Deployment" | "ReplicaSet"; readonly replicas: number }
  | { readonly kind: "DaemonSet" }
  | {
      readonly kind: "StatefulSet";
      readonly replicas: number;
      readonly serviceName: string;
      readonly ordered: boolean;
      readonly claims: readonly string[];
    }
  | {
      readonly kind: "Job";
      readonly completions: number;
      readonly parallelism: number;
      readonly indexed: boolean;
      readonly backoffLimit: number;
    }
);

/** Keys and their contents, base64. */
export interface KeyedData {
  readonly name: string;
  readonly namespace: string;
  readonly data: Readonly<Record<string, string>>;
}

export interface Service {
  readonly name: string;
  readonly namespace: string;
  readonly spec: ServiceObject["spec"];
}

export interface ServiceAccount {
  readonly name: string;
  readonly namespace: string;
  readonly automountToken: boolean;
}

/** A policy of the mesh, for the control plane to read: as it was written, in a namespace. */
export interface MeshPolicy {
  readonly kind: "PeerAuthentication";
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: JsonObject;
}

/** All that was given to `outrigger sandbox up`, checked. Plain JSON, so that it can go from process to process. */
export interface Manifest {
  readonly namespaces: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[];
  readonly workloads: readonly Workload[];
  readonly services: readonly Service[];
  readonly configMaps: readonly KeyedData[];
  readonly secrets: readonly KeyedData[];
  readonly serviceAccounts: readonly ServiceAccount[];
  /** They have effect with a control plane only. */
  readonly policies: readonly MeshPolicy[];
  /** Objects of kinds that the sandbox does not know. */
  readonly ignored: readonly { readonly kind: string; readonly name: string }[];
}
