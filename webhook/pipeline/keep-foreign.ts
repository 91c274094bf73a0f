import type {
  Container,
  EnvVar,
  Handler,
  HttpGetAction,
  JsonObject,
  Pod,
  Volume,
  VolumeMount,
} from "../../mesh/pod.ts";
import { type ContainerList, containerLists, withContainers } from "../pod-containers.ts";
import { filled, filledList } from "./filled.ts";
import { readStatus } from "./injection-status.ts";
import { injectedNames } from "./own-fields.ts";
import { hookPlaces, probePlaces } from "./probe-record.ts";
import { overlayVolumes } from "./volume-conflicts.ts";

/**
 * Between two calls of the webhook for one Pod, others change it: Kubernetes fills in defaults and mounts the service
 * account's token, other webhooks add variables. What they added to injected containers is kept; what injection itself
 * sets is set anew.
 */

/** Fields of a container that are injection's alone: where it sets nothing now, a former value is not kept. */
const ownFields: ReadonlySet<string> = new Set([
  "args",
  "command",
  "env",
  "lifecycle",
  "livenessProbe",
  "ports",
  "readinessProbe",
  "restartPolicy",
  "startupProbe",
  "volumeMounts",
]);

/** Variables of Istio's own, which are not kept when injection no longer sets them. */
const ownVariable =
  /^(ISTIO_|PILOT_CERT_PROVIDER$|CA_ADDR$|POD_NAME$|POD_NAMESPACE$|INSTANCE_IP$|SERVICE_ACCOUNT$|HOST_IP$|PROXY_CONFIG$|GOMEMLIMIT$|TRUST_DOMAIN$|COMPLIANCE_POLICY$|REWRITE_PROBE_|OTEL_RESOURCE_ATTRIBUTES$|GRPC_|OUTPUT_CERTS$|DISABLE_ENVOY$)/;

interface Former {
  readonly container: Container;
  /** Names of the volumes that the former injection added. */
  readonly volumes: readonly string[];
}

function withForeign(now: Container, { container: former, volumes }: Former): Container {
  const others = Object.entries(former).filter(([field]) => !ownFields.has(field));
  const { securityContext, ...rest } = Object.fromEntries(others) as Partial<Container>;
  const { capabilities: _ours, ...context } = securityContext ?? {};
  const handlers = ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] as const;
  const kept = handlers.filter((field) => now[field] !== undefined && former[field] !== undefined);
  const base = filled(now, {
    ...rest,
    ...(now.securityContext && { securityContext: context }),
    ...Object.fromEntries(kept.map((field) => [field, former[field]])),
  }) as Container;
  const env = filledList<EnvVar>(now.env ?? [], former.env, "name", ({ name }) => !ownVariable.test(name));
  const mounts = filledList<VolumeMount>(
    now.volumeMounts ?? [],
    former.volumeMounts,
    "mountPath",
    ({ name }) => !volumes.includes(name),
  );
  const ports = filledList(now.ports ?? [], former.ports, "containerPort", () => false);
  return {
    ...base,
    ...(env.length > 0 && { env }),
    ...(mounts.length > 0 && { volumeMounts: mounts }),
    ...(ports.length > 0 && { ports }),
  };
}

function formerContainer(pod: Pod, name: string): Container | undefined {
  return containerLists.flatMap((list) => pod.spec[list] ?? []).find((container) => container.name === name);
}

/** A rewritten probe or hook with what others added to the request, such as the API's default scheme. */
function filledHandler(now: Handler | undefined, former: Handler | undefined): Handler | undefined {
  const same = now?.httpGet !== undefined && now.httpGet.path === former?.httpGet?.path;
  if (!same || former?.httpGet === undefined || now?.httpGet === undefined) return now;
  const httpGet = filled(now.httpGet, former.httpGet) as HttpGetAction;
  return { ...now, httpGet };
}

/** A container of the application's with what others added to its rewritten probes. */
function withForeignProbes(now: Container, former: Container): Container {
  const probes = probePlaces.flatMap(({ field }) =>
    now[field] ? [[field, filledHandler(now[field], former[field])]] : [],
  );
  const hooks = hookPlaces.flatMap(({ field }) =>
    now.lifecycle?.[field] ? [[field, filledHandler(now.lifecycle[field], former.lifecycle?.[field])]] : [],
  );
  return {
    ...now,
    ...Object.fromEntries(probes),
    ...(hooks.length > 0 && { lifecycle: { ...now.lifecycle, ...Object.fromEntries(hooks) } }),
  };
}

/** Volumes that a former injection added, with what others added to the source that injection gives them now. */
function withForeignVolumes(injected: Pod, pod: Pod, overlay: JsonObject, formerNames: readonly string[]): Pod {
  const added = new Map(overlayVolumes(overlay).map((volume) => [volume.name, volume]));
  const former = new Map(pod.spec.volumes?.map((volume) => [volume.name, volume]));
  const volumes = injected.spec.volumes?.map((volume) => {
    const [now, before] = [added.get(volume.name), former.get(volume.name)];
    if (now === undefined || before === undefined || !formerNames.includes(volume.name)) return volume;
    const sources = Object.keys(now).filter((field) => field !== "name");
    if (sources.length === 0) return volume;
    const kept = Object.fromEntries(sources.flatMap((source) => (before[source] ? [[source, before[source]]] : [])));
    return filled(now, kept) as Volume;
  });
  return volumes === undefined ? injected : { ...injected, spec: { ...injected.spec, volumes } };
}

/** Keeps what others added to the containers and volumes that a former injection added to `pod`. */
export function keepForeign(pod: Pod, injected: Pod, overlay: JsonObject): Pod {
  const status = readStatus(pod);
  if (status === undefined) return injected;
  const formerNames = new Set([...status.containers, ...status.initContainers]);
  const keep = (list: ContainerList) => (all: Container[]) => {
    const names = injectedNames(overlay, list).filter((name) => formerNames.has(name));
    return all.map((container) => {
      const former = formerContainer(pod, container.name);
      if (former === undefined) return container;
      if (!names.includes(container.name)) return withForeignProbes(container, former);
      return withForeign(container, { container: former, volumes: status.volumes });
    });
  };
  const kept = containerLists.reduce((current, list) => withContainers(current, list, keep(list)), injected);
  return withForeignVolumes(kept, pod, overlay, status.volumes);
}
