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

/** The Pod with some annotations set, and others (those whose value is undefined) taken away. */
export function withAnnotations(pod: Pod, changes: Readonly<Record<string, string | undefined>>): Pod {
  const annotations = { ...pod.metadata.annotations };
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete annotations[name];
    else annotations[name] = value;
  }
  const { annotations: _before, ...metadata } = pod.metadata;
  const empty = Object.keys(annotations).length === 0;
  return { ...pod, metadata: empty ? metadata : { ...metadata, annotations } };
}

/** The Pod with some labels set. */
export function withLabels(pod: Pod, labels: Readonly<Record<string, string>>): Pod {
  return { ...pod, metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...labels } } };
}
