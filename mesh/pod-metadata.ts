import type { Pod } from "./pod.ts";
import { labelValue } from "./selector.ts";

/** A Pod's annotation, if it is set, even to nothing. */
export function annotationOf(pod: Pod, name: string): string | undefined {
  return labelValue(pod.metadata.annotations ?? {}, name);
}

/** A Pod's label, if it is set, even to nothing. */
export function labelOf(pod: Pod, name: string): string | undefined {
  return labelValue(pod.metadata.labels ?? {}, name);
}

type Changes = Readonly<Record<string, string | undefined>>;

/** Annotations with changes. Built anew: an object that fields were deleted from is slow for everyone after. */
function changed(annotations: Readonly<Record<string, string>>, changes: Changes): Record<string, string> {
  const result: Record<string, string> = {};
  for (const name of Object.keys(annotations)) {
    const value = Object.hasOwn(changes, name) ? changes[name] : annotations[name];
    if (value !== undefined) result[name] = value;
  }
  for (const name of Object.keys(changes)) {
    const value = changes[name];
    if (value !== undefined) result[name] = value;
  }
  return result;
}

/** The Pod with some annotations set, and others (those whose value is undefined) taken away. */
export function withAnnotations(pod: Pod, changes: Changes): Pod {
  const annotations = changed(pod.metadata.annotations ?? {}, changes);
  const { annotations: _before, ...metadata } = pod.metadata;
  const empty = Object.keys(annotations).length === 0;
  return { ...pod, metadata: empty ? metadata : { ...metadata, annotations } };
}

/** The Pod with some labels set. */
export function withLabels(pod: Pod, labels: Readonly<Record<string, string>>): Pod {
  return { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...labels } } };
}
