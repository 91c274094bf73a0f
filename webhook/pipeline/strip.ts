import { annotations, containers } from "../../mesh/names.ts";
import type { Container, Pod } from "../../mesh/pod.ts";
import { withAnnotations } from "../../mesh/pod-metadata.ts";
import { containerLists, proxyContainer, withContainers } from "../pod-containers.ts";
import { readStatus } from "./injection-status.ts";
import { readOwnContainers } from "./own-fields.ts";
import { restoreProbes } from "./probe-record.ts";
import { restorePrometheus } from "./prometheus.ts";

function withoutNamed(all: Container[], names: readonly string[]): Container[] {
  return all.some(({ name }) => names.includes(name)) ? all.filter(({ name }) => !names.includes(name)) : all;
}

function missingFrom(all: readonly Container[], own: readonly Container[] = []): Container[] {
  return own.filter(({ name }) => all.every((container) => container.name !== name));
}

/**
 * Takes back what a former injection did to the containers, so that injecting again starts from the Pod that its
 * author wrote: injected containers go, the user's own fields, probes and Prometheus annotations come back. Volumes
 * stay; they are merged by name. A Pod that was not injected comes back as it is.
 */
export function stripInjection(pod: Pod): Pod {
  const status = readStatus(pod);
  if (status === undefined) return pod;
  const own = readOwnContainers(pod) ?? {};
  const proxy = proxyContainer(pod);
  const stripped = containerLists.reduce((changed, list) => {
    const without = withContainers(changed, list, (all) => withoutNamed(all, status[list]));
    return withContainers(without, list, (all) => {
      const missing = missingFrom(all, own[list]);
      return missing.length === 0 ? all : [...all, ...missing];
    });
  }, pod);
  const restored =
    proxy?.name === containers.proxy ? restorePrometheus(restoreProbes(stripped, proxy), proxy) : stripped;
  return withAnnotations(restored, { [annotations.status]: undefined, [annotations.overrides]: undefined });
}
