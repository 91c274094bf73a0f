import { annotations } from "../mesh/names.ts";
import type { Pod } from "../mesh/pod.ts";
import { envoySidecar } from "./profile/envoy.ts";
import type { InjectionSettings } from "./settings.ts";

/** Adds the sidecar to a Pod. The Pod given is not changed; what stays the same is shared with it. */
export function inject(pod: Pod, settings: InjectionSettings): Pod {
  if (pod.metadata.annotations?.[annotations.status] !== undefined) return pod;
  const parts = envoySidecar(pod, settings);
  const status = {
    initContainers: parts.initContainers.map(({ name }) => name),
    containers: parts.containers.length === 0 ? null : parts.containers.map(({ name }) => name),
    volumes: null,
    imagePullSecrets: null,
    revision: settings.revision,
  };
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: { ...pod.metadata.annotations, [annotations.status]: JSON.stringify(status) },
    },
    spec: {
      ...pod.spec,
      initContainers: [...parts.initContainers, ...(pod.spec.initContainers ?? [])],
      containers: [...pod.spec.containers, ...parts.containers],
    },
  };
}
