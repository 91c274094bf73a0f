import { containers } from "../../mesh/names.ts";
import type { Container, JsonObject, Pod } from "../../mesh/pod.ts";
import { type ContainerList, proxyContainer, withContainer, withContainers } from "../pod-containers.ts";
import type { PodOptions } from "../pod-options.ts";
import { injectedNames } from "./own-fields.ts";

function moved(pod: Pod, own: Container, from: ContainerList, to: ContainerList): Pod {
  const without = withContainers(pod, from, (all) => all.filter((container) => container !== own));
  // Only init containers have a restart policy of their own.
  const { restartPolicy: _native, ...rest } = own;
  const container = to === "containers" ? (rest as Container) : own;
  return withContainers(without, to, (all) => [...all, container]);
}

/** An istio-proxy of the user's own goes where the injected one goes: among the init containers, or the containers. */
export function moveOwnProxy(pod: Pod, overlay: JsonObject): Pod {
  const own = proxyContainer(pod);
  if (own === undefined) return pod;
  const [from, to]: [ContainerList, ContainerList] = pod.spec.containers.includes(own)
    ? ["containers", "initContainers"]
    : ["initContainers", "containers"];
  return injectedNames(overlay, to).includes(containers.proxy) ? moved(pod, own, from, to) : pod;
}

/** Under TPROXY a sidecar must be root to use its capability, whatever user the Pod's author gave it. */
export function keepTransparentRoot(pod: Pod, { mode }: PodOptions, overlay: JsonObject): Pod {
  const captures = injectedNames(overlay, "initContainers").some((name) => name !== containers.proxy);
  if (mode !== "TPROXY" || !captures) return pod;
  return withContainer(pod, containers.proxy, (proxy) =>
    proxy.securityContext?.runAsUser === 0
      ? proxy
      : { ...proxy, securityContext: { ...proxy.securityContext, runAsUser: 0, runAsNonRoot: false } },
  );
}
