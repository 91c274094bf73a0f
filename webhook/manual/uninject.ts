import { containers } from "../../mesh/names.ts";
import type { Owner } from "../../mesh/owner.ts";
import type { Container, Pod, PodSpec, Volume } from "../../mesh/pod.ts";
import { type InjectionStatus, readStatus } from "../pipeline/injection-status.ts";
import { automaticImage } from "../pipeline/own-fields.ts";
import { stripInjection } from "../pipeline/strip.ts";
import { containerLists, withContainers } from "../pod-containers.ts";
import { withoutInjectedMetadata } from "./injected-metadata.ts";

/** Volumes that injection adds without saying where they come from: the user may have. */
const sourceless = ["workload-socket", "credential-socket", "workload-certs"];

function isOwnVolume(volume: Volume): boolean {
  const sources = Object.keys(volume).filter((field) => field !== "name" && field !== "emptyDir");
  return sourceless.includes(volume.name) && sources.length > 0;
}

/** The spec without a list that nothing is left in. */
function withoutEmptyLists(spec: PodSpec): PodSpec {
  const lists = ["initContainers", "volumes", "imagePullSecrets"];
  const entries = Object.entries(spec).filter(
    ([field, value]) => !(lists.includes(field) && Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(entries) as PodSpec;
}

function withoutInjectedLists(pod: Pod, status: InjectionStatus): Pod {
  const { volumes, imagePullSecrets } = pod.spec;
  const spec: PodSpec = {
    ...pod.spec,
    ...(volumes && { volumes: volumes.filter((one) => !status.volumes.includes(one.name) || isOwnVolume(one)) }),
    ...(imagePullSecrets && {
      imagePullSecrets: imagePullSecrets.filter(({ name = "" }) => !status.imagePullSecrets.includes(name)),
    }),
  };
  return { ...pod, spec: withoutEmptyLists(spec) };
}

/** The record of the user's own fields always has resources; the author may have written none. */
function withoutEmptyResources(container: Container): Container {
  const { resources, ...rest } = container;
  return resources !== undefined && Object.keys(resources).length === 0 ? (rest as Container) : container;
}

/** The user's own istio-proxy as it was written: a container, whose image is the injected one unless it says another. */
function withOwnProxy(pod: Pod): Pod {
  const own = pod.spec.initContainers?.find(({ name }) => name === containers.proxy);
  const moved = own !== undefined && own.restartPolicy === undefined;
  const without = moved ? withContainers(pod, "initContainers", (all) => all.filter((one) => one !== own)) : pod;
  const back = moved ? withContainers(without, "containers", (all) => [...all, own]) : without;
  const withImage = (one: Container) =>
    one.name === containers.proxy && one.image === undefined ? { ...one, image: automaticImage } : one;
  return withContainers(back, "containers", (all) => all.map(withImage));
}

/** A gateway's Pod may open low ports; its template sets that on the Pod. */
function withoutLowPorts(pod: Pod, status: InjectionStatus): Pod {
  const { securityContext, ...spec } = pod.spec;
  const lowPorts = '{"sysctls":[{"name":"net.ipv4.ip_unprivileged_port_start","value":"0"}]}';
  const isGateway = status.containers.includes(containers.proxy) && status.initContainers.length === 0;
  return isGateway && JSON.stringify(securityContext) === lowPorts ? { ...pod, spec } : pod;
}

/**
 * Takes an injection back: the Pod that its author wrote. What injection records comes back exactly; a probe's port
 * comes back by its name where the container names it. A Pod that was not injected comes back as it is.
 */
export function uninject(pod: Pod, owner?: Owner): Pod {
  const status = readStatus(pod);
  if (status === undefined) return pod;
  const recorded = new Set([...status.containers, ...status.initContainers]);
  const tidy = (all: Container[]) => all.map((one) => (recorded.has(one.name) ? withoutEmptyResources(one) : one));
  const own = containerLists.reduce((current, list) => withContainers(current, list, tidy), stripInjection(pod));
  const stripped = withoutInjectedLists(withOwnProxy(own), status);
  return withoutInjectedMetadata(withoutLowPorts(stripped, status), pod, status, owner);
}
