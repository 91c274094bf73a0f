import type { JsonObject, ObjectMeta, OwnerReference, PodSpec, Volume } from "../../mesh/pod.ts";
import type { Workload } from "../manifest/manifest.ts";
import { suffix, uid } from "./identity.ts";

/** A Pod that a workload wants, before admission. */
export interface WantedPod {
  readonly namespace: string;
  readonly name: string;
  /** `Deployment/web`, as kubectl names it; a bare Pod is its own workload. */
  readonly workload: string;
  /** Who creates it, for the AdmissionReview. */
  readonly username: string;
  readonly object: JsonObject;
}

type Of<Kind extends Workload["kind"]> = Extract<Workload, { kind: Kind }>;

interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

function ownerReference(owner: Owner, namespace: string): OwnerReference {
  const id = uid([owner.kind, namespace, owner.name].join("/"));
  return { ...owner, uid: id, controller: true, blockOwnerDeletion: true };
}

interface Parts {
  readonly name: string;
  readonly generateName?: string;
  readonly owner: Owner;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

function templated({ template, namespace }: Workload, parts: Parts): JsonObject {
  const { metadata = {}, spec } = template as { metadata?: ObjectMeta; spec: JsonObject };
  const labels = { ...metadata.labels, ...parts.labels };
  const annotations = { ...metadata.annotations, ...parts.annotations };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...(parts.generateName === undefined ? { name: parts.name } : { generateName: parts.generateName }),
      namespace,
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
      ownerReferences: [ownerReference(parts.owner, namespace)],
    },
    spec: structuredClone(spec),
  };
}

function wanted(workload: Workload, controller: string, parts: Parts, change?: (spec: PodSpec) => void): WantedPod {
  const object = templated(workload, parts);
  change?.(object.spec as PodSpec);
  return {
    namespace: workload.namespace,
    name: parts.name,
    workload: `${workload.kind}/${workload.name}`,
    username: `system:serviceaccount:kube-system:${controller}`,
    object,
  };
}

/** The `index`th Pod (from 0) that was ever created for a workload. */
export function replicaPod(workload: Of<"Deployment" | "ReplicaSet">, index: number): WantedPod {
  const isDeployment = workload.kind === "Deployment";
  const hash = suffix(JSON.stringify(workload.template), 9);
  const name = isDeployment ? `${workload.name}-${hash}` : workload.name;
  return wanted(workload, "replicaset-controller", {
    name: `${name}-${suffix(`${workload.namespace}/${name}/${index}`)}`,
    generateName: `${name}-`,
    owner: { apiVersion: "apps/v1", kind: "ReplicaSet", name },
    ...(isDeployment && { labels: { "pod-template-hash": hash } }),
  });
}

function daemonSetPod(workload: Of<"DaemonSet">): WantedPod {
  const { name } = workload;
  return wanted(workload, "daemon-set-controller", {
    name: `${name}-${suffix(`${workload.namespace}/${name}`)}`,
    generateName: `${name}-`,
    owner: { apiVersion: "apps/v1", kind: "DaemonSet", name },
  });
}

function statefulSetPod(workload: Of<"StatefulSet">, index: number): WantedPod {
  const name = `${workload.name}-${index}`;
  const claims: Volume[] = workload.claims.map((claim) => ({
    name: claim,
    persistentVolumeClaim: { claimName: `${claim}-${name}` },
  }));
  const parts = {
    name,
    owner: { apiVersion: "apps/v1", kind: "StatefulSet", name: workload.name },
    labels: { "statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": String(index) },
  };
  return wanted(workload, "statefulset-controller", parts, (spec) => {
    spec.hostname = name;
    if (workload.serviceName !== "") spec.subdomain = workload.serviceName;
    spec.volumes = [...(spec.volumes ?? []), ...claims];
  });
}

/** The `attempt`th Pod (from 0) for one completion of a Job. */
export function jobPod(workload: Of<"Job">, index: number, attempt: number): WantedPod {
  const { name, namespace, indexed } = workload;
  const prefix = indexed ? `${name}-${index}` : name;
  const id = uid(["Job", namespace, name].join("/"));
  const parts = {
    name: `${prefix}-${suffix(`${namespace}/${name}/${index}/${attempt}`)}`,
    generateName: `${prefix}-`,
    owner: { apiVersion: "batch/v1", kind: "Job", name },
    labels: {
      "batch.kubernetes.io/job-name": name,
      "job-name": name,
      "batch.kubernetes.io/controller-uid": id,
      "controller-uid": id,
    },
    ...(indexed && { annotations: { "batch.kubernetes.io/job-completion-index": String(index) } }),
  };
  return wanted(workload, "job-controller", parts, (spec) => {
    if (!indexed) return;
    for (const container of spec.containers) {
      container.env = [...(container.env ?? []), { name: "JOB_COMPLETION_INDEX", value: String(index) }];
    }
  });
}

function barePod({ name, namespace, template }: Of<"Pod">): WantedPod {
  const metadata = { ...(template.metadata as ObjectMeta), namespace };
  const object = { ...structuredClone(template), metadata };
  return { namespace, name, workload: `Pod/${name}`, username: "kubernetes-admin", object };
}

/** The Pods that a workload wants from the start, in order. A Job's come one by one, by `jobPod`. */
export function podsOf(workload: Exclude<Workload, { kind: "Job" }>): WantedPod[] {
  switch (workload.kind) {
    case "Pod":
      return [barePod(workload)];
    case "DaemonSet":
      return [daemonSetPod(workload)];
    case "StatefulSet":
      return Array.from({ length: workload.replicas }, (_, index) => statefulSetPod(workload, index));
    case "Deployment":
    case "ReplicaSet":
      return Array.from({ length: workload.replicas }, (_, index) => replicaPod(workload, index));
  }
}
