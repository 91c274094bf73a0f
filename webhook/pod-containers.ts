import { containers } from "../mesh/names.ts";
import type { Container, Pod } from "../mesh/pod.ts";

/** The lists of a Pod that hold containers. */
export const containerLists = ["containers", "initContainers"] as const;
export type ContainerList = (typeof containerLists)[number];

/** istio-proxy, whether it is a container or a native sidecar. */
export function proxyContainer(pod: Pod): Container | undefined {
  const isProxy = ({ name }: Container) => name === containers.proxy;
  return pod.spec.containers.find(isProxy) ?? pod.spec.initContainers?.find(isProxy);
}

/** The Pod with one list of containers changed; an empty list that was not there stays away. */
export function withContainers(pod: Pod, list: ContainerList, change: (all: Container[]) => Container[]): Pod {
  const before = pod.spec[list] ?? [];
  const after = change(before);
  if (after === before || (after.length === 0 && before.length === 0)) return pod;
  return { ...pod, spec: { ...pod.spec, [list]: after } };
}

/** The Pod with every container of that name changed. */
export function withContainer(pod: Pod, name: string, change: (container: Container) => Container): Pod {
  const changeNamed = (all: Container[]) =>
    all.some((container) => container.name === name)
      ? all.map((container) => (container.name === name ? change(container) : container))
      : all;
  return containerLists.reduce((changed, list) => withContainers(changed, list, changeNamed), pod);
}
