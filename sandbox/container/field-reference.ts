import type { PodObject } from "../pod/schema.ts";
import { divideQuantity } from "./quantity.ts";

/** A Pod and where it runs: what `fieldRef` and `resourceFieldRef` can be asked for. */
export interface PodFacts {
  readonly pod: PodObject;
  readonly podIps: readonly string[];
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  /** What a container without limits may use. */
  readonly machine: { readonly cpu: number; readonly memoryBytes: number };
}

/** `key="value"` a line, quoted and sorted, as the kubelet writes labels and annotations into files. */
function mapText(map: Readonly<Record<string, string>>): string {
  const keys = Object.keys(map).sort();
  return keys.map((key) => `${key}=${JSON.stringify(map[key])}`).join("\n");
}

const plainFields: Readonly<Record<string, (facts: PodFacts) => string | undefined>> = {
  "metadata.name": ({ pod }) => pod.metadata.name,
  "metadata.namespace": ({ pod }) => pod.metadata.namespace,
  "metadata.uid": ({ pod }) => pod.metadata.uid,
  "metadata.labels": ({ pod }) => mapText(pod.metadata.labels),
  "metadata.annotations": ({ pod }) => mapText(pod.metadata.annotations),
  "spec.nodeName": ({ nodeName }) => nodeName,
  "spec.serviceAccountName": ({ pod }) => pod.spec.serviceAccountName,
  "status.hostIP": ({ nodeIps }) => nodeIps[0],
  "status.hostIPs": ({ nodeIps }) => nodeIps.join(","),
  "status.podIP": ({ podIps }) => podIps[0],
  "status.podIPs": ({ podIps }) => podIps.join(","),
};

/**
 * The value of a `fieldPath`; a missing label or annotation is empty. Undefined when there is no such field.
 * Source: https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
 */
export function fieldValue(fieldPath: string, facts: PodFacts): string | undefined {
  const subscript = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(fieldPath);
  if (subscript !== null) {
    const map = facts.pod.metadata[subscript[1] as "labels" | "annotations"];
    const key = subscript[2] ?? "";
    return Object.hasOwn(map, key) ? map[key] : "";
  }
  return Object.hasOwn(plainFields, fieldPath) ? plainFields[fieldPath]?.(facts) : undefined;
}

export interface ResourceReference {
  readonly resource: string;
  readonly containerName?: string | undefined;
  readonly divisor?: string | number | undefined;
}

/** The value of a container's resource; a limit that is not set is what the machine has. Undefined when there is none. */
export function resourceValue(reference: ResourceReference, container: string, facts: PodFacts): string | undefined {
  const { spec } = facts.pod;
  const name = reference.containerName ?? container;
  const found = [...spec.initContainers, ...spec.containers].find((one) => one.name === name);
  const [kind, resource = ""] = reference.resource.split(".", 2);
  if (found === undefined || (kind !== "limits" && kind !== "requests")) return undefined;
  const machine: Readonly<Record<string, number>> = {
    cpu: facts.machine.cpu,
    memory: facts.machine.memoryBytes,
    "ephemeral-storage": 0,
  };
  const { limits, requests } = found.resources;
  const unset = kind === "limits" ? machine[resource] : 0;
  const quantity = (kind === "limits" ? limits[resource] : (requests[resource] ?? limits[resource])) ?? unset;
  return quantity === undefined ? undefined : divideQuantity(quantity, reference.divisor ?? 1);
}
