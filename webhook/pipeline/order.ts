import { containers } from "../../mesh/names.ts";
import type { Container, Pod } from "../../mesh/pod.ts";
import { withContainers } from "../pod-containers.ts";

type Place = "first" | "last";

/** The list with the named container in another place; the same list if it is there already. */
function placed(all: Container[], name: string, place: Place): Container[] {
  const index = all.findIndex((container) => container.name === name);
  const wanted = place === "first" ? 0 : all.length - 1;
  const container = all[index];
  if (container === undefined || index === wanted) return all;
  const others = all.toSpliced(index, 1);
  return place === "first" ? [container, ...others] : [...others, container];
}

function initOrder(all: Container[]): Container[] {
  if (all.some(({ name }) => name === containers.proxy)) {
    const first = [containers.proxy, containers.validation, containers.init];
    return first.reduce((ordered, name) => placed(ordered, name, "first"), all);
  }
  return placed(placed(all, containers.validation, "first"), containers.init, "last");
}

/**
 * Orders the containers. istio-proxy stands last, so that kubectl goes on to mean the application, or first if the
 * application is to wait for it. A native sidecar comes right after the capture, before the user's init containers, so
 * that those have a network too. Without one, validation comes first and blocks, and the capture comes last, so that
 * the user's init containers are not captured while there is no proxy.
 */
export function orderContainers(pod: Pod, holdApplication: boolean): Pod {
  const proxied = withContainers(pod, "containers", (all) =>
    placed(all, containers.proxy, holdApplication ? "first" : "last"),
  );
  return withContainers(proxied, "initContainers", initOrder);
}
