import type { ObjectMeta, OwnerReference } from "./pod.ts";
import { labelValue } from "./selector.ts";

/** What of a Pod tells its workload. */
interface Owned {
  readonly metadata: Pick<ObjectMeta, "name" | "generateName" | "labels" | "ownerReferences">;
}

/** The workload that a Pod belongs to, as far as the Pod tells. */
export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty when the Pod's name is to be generated and nothing controls it. */
  readonly name: string;
}

/** A CronJob's Jobs are named after the minute that they run for. */
const cronJobName = /^(.+)-\d{8,10}$/;

/** The name without `-` and the hash that ends it; undefined if the label is missing or the name ends otherwise. */
function withoutHash(name: string, pod: Owned, hashLabel: string): string | undefined {
  const hash = labelValue(pod.metadata.labels ?? {}, hashLabel);
  if (hash === undefined || hash === "" || !name.endsWith(hash)) return undefined;
  return name.endsWith(`-${hash}`) ? name.slice(0, -hash.length - 1) : name;
}

function ofReplicaSet({ apiVersion = "", kind = "", name = "" }: OwnerReference, pod: Owned): Owner {
  const rollout = withoutHash(name, pod, "rollouts-pod-template-hash");
  if (rollout !== undefined) return { apiVersion: "v1alpha1", kind: "Rollout", name: rollout };
  const deployment = withoutHash(name, pod, "pod-template-hash");
  return deployment === undefined ? { apiVersion, kind, name } : { apiVersion, kind: "Deployment", name: deployment };
}

function ofController(controller: OwnerReference, pod: Owned): Owner {
  const { apiVersion = "", kind = "", name = "" } = controller;
  if (kind === "ReplicaSet") return ofReplicaSet(controller, pod);
  const deploymentConfig = labelValue(pod.metadata.labels ?? {}, "deploymentconfig") ?? "";
  if (kind === "ReplicationController" && deploymentConfig !== "") {
    return { apiVersion, kind: "DeploymentConfig", name: deploymentConfig };
  }
  const cronJob = kind === "Job" ? cronJobName.exec(name)?.[1] : undefined;
  return cronJob === undefined
    ? { apiVersion, kind, name }
    : { apiVersion: "batch/v1", kind: "CronJob", name: cronJob };
}

/**
 * Works out a Pod's workload from its controller: the Deployment or Rollout behind a ReplicaSet, the DeploymentConfig
 * behind a ReplicationController, the CronJob behind a Job. A Pod that no controller made is its own workload.
 */
export function ownerOf(pod: Owned): Owner {
  const { name = "", generateName = "", ownerReferences } = pod.metadata;
  const generated = generateName !== "";
  const controller = generated ? ownerReferences?.find((reference) => reference.controller === true) : undefined;
  const owner = controller ? ofController(controller, pod) : { apiVersion: "v1", kind: "Pod", name };
  return owner.name === "" ? { ...owner, name } : owner;
}
