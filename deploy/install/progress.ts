import type { KubernetesObject } from "../cluster/api.ts";

/** What has become of an object. */
export type Verb = "created" | "changed" | "unchanged" | "deleted" | "waiting" | "ready";

/** One line of an installation's course. */
export interface Progress {
  readonly verb: Verb;
  readonly object: KubernetesObject;
  /** Such as `1 of 2 replicas are ready`. */
  readonly detail?: string;
}

export type Report = (progress: Progress) => void;

/** `Deployment outrigger-system/outrigger-webhook` */
export function describeObject({ kind, metadata: { name, namespace } }: KubernetesObject): string {
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

/** `created    Deployment outrigger-system/outrigger-webhook` */
export function describeProgress({ verb, object, detail }: Progress): string {
  const line = `${verb.padEnd(9)}  ${describeObject(object)}`;
  return detail === undefined ? line : `${line}: ${detail}`;
}
