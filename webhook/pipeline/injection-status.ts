import { isObject } from "../../mesh/json.ts";
import { annotations } from "../../mesh/names.ts";
import type { JsonObject, Pod } from "../../mesh/pod.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";

/** What an injection added, by name: the value of `sidecar.istio.io/status`. */
export interface InjectionStatus {
  readonly initContainers: readonly string[];
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly imagePullSecrets: readonly string[];
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((name): name is string => typeof name === "string") : [];
}

/** Reads the status of a former injection; undefined if there was none, or the text is not one. */
export function readStatus(pod: Pod): InjectionStatus | undefined {
  const text = annotationOf(pod, annotations.status);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) return undefined;
    return {
      initContainers: names(value.initContainers),
      containers: names(value.containers),
      volumes: names(value.volumes),
      imagePullSecrets: names(value.imagePullSecrets),
    };
  } catch {
    return undefined;
  }
}

function listed(value: unknown): string[] | null {
  const items = Array.isArray(value) ? (value as JsonObject[]) : [];
  return items.length === 0 ? null : items.map(({ name }) => String(name));
}

/** The status of an injection that merged this overlay into a Pod. An empty list is null, as Istio writes it. */
export function statusText(overlay: JsonObject, revision: string): string {
  const spec = isObject(overlay.spec) ? overlay.spec : {};
  return JSON.stringify({
    initContainers: listed(spec.initContainers),
    containers: listed(spec.containers),
    volumes: listed(spec.volumes),
    imagePullSecrets: listed(spec.imagePullSecrets),
    revision,
  });
}
