import { isObject } from "../../mesh/json.ts";
import type { Owner } from "../../mesh/owner.ts";
import type { JsonObject } from "../../mesh/pod.ts";

/** A Pod template inside a Kubernetes object. */
export interface PodTemplate {
  /** Where it stands in the document; empty for a Pod, which is its own template. */
  readonly path: readonly (string | number)[];
  readonly template: unknown;
  /** The object that the template belongs to. */
  readonly owner: JsonObject;
}

const templateOfWorkload = ["spec", "template"] as const;

/** Where each kind keeps its Pod template. */
const templatePaths: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  Deployment: templateOfWorkload,
  DeploymentConfig: templateOfWorkload,
  DaemonSet: templateOfWorkload,
  ReplicaSet: templateOfWorkload,
  ReplicationController: templateOfWorkload,
  Rollout: templateOfWorkload,
  StatefulSet: templateOfWorkload,
  Job: templateOfWorkload,
  CronJob: ["spec", "jobTemplate", ...templateOfWorkload],
};

/** The value at a path, or undefined. */
export function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((at, key) => {
    if (Array.isArray(at)) return typeof key === "number" ? at[key] : undefined;
    return isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }, value);
}

/** The Pod templates of an object, in order: one for a workload, those of its items for a List, none for anything else. */
export function podTemplates(object: unknown, path: readonly (string | number)[] = []): PodTemplate[] {
  if (!isObject(object)) return [];
  const kind = String(object.kind);
  if (kind.endsWith("List") && Array.isArray(object.items)) {
    return object.items.flatMap((item, index) => podTemplates(item, [...path, "items", index]));
  }
  const templatePath = Object.hasOwn(templatePaths, kind) ? templatePaths[kind] : undefined;
  if (templatePath === undefined) return [];
  return [{ path: [...path, ...templatePath], template: valueAt(object, templatePath), owner: object }];
}

/** The workload as the document names it, which knows it better than its template. A Pod's is worked out from the Pod. */
export function workloadOwner({ apiVersion = "", kind, metadata }: JsonObject): Owner | undefined {
  if (kind === "Pod") return undefined;
  const name = isObject(metadata) ? metadata.name : undefined;
  return { apiVersion: String(apiVersion), kind: String(kind), name: String(name ?? "") };
}
