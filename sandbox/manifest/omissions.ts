import type { JsonObject } from "../../mesh/pod.ts";
import type { Manifest, Workload } from "./manifest.ts";

/** Parts of a Pod's spec that the sandbox takes no notice of, and what that means. */
const podFields: Readonly<Record<string, string>> = {
  nodeSelector: "there is one node",
  affinity: "there is one node",
  topologySpreadConstraints: "there is one node",
  priorityClassName: "nothing is preempted",
  runtimeClassName: "there is one runtime",
  hostPID: "each container has process numbers of its own",
  hostIPC: "each Pod has IPC of its own",
  shareProcessNamespace: "each container has process numbers of its own",
  readinessGates: "nobody sets the conditions",
  activeDeadlineSeconds: "a Pod may run for ever",
  hostUsers: "root in a container is root",
};

const containerFields: Readonly<Record<string, string>> = {
  resources: "containers share this machine without limits",
  volumeDevices: "there are no block devices",
};

const securityFields: Readonly<Record<string, string>> = {
  seccompProfile: "no system call is filtered",
  appArmorProfile: "no profile is loaded",
  seLinuxOptions: "no label is set",
};

const volumeTypes: Readonly<Record<string, string>> = {
  persistentVolumeClaim: "an empty folder that lasts as long as the Pod",
  ephemeral: "an empty folder that lasts as long as the Pod",
  hostPath: "read-only",
};

type Finding = { readonly what: string; readonly meaning: string };

function isPresent(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "") return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

function findingsIn(object: JsonObject, fields: Readonly<Record<string, string>>, prefix: string): Finding[] {
  return Object.entries(fields)
    .filter(([field]) => isPresent(object[field]))
    .map(([field, meaning]) => ({ what: `${prefix}${field}`, meaning }));
}

function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? (value as JsonObject[]) : [];
}

function inWorkload({ template }: Workload): Finding[] {
  const spec = template.spec as JsonObject;
  const containers = [...objects(spec.initContainers), ...objects(spec.containers)];
  const security = [spec, ...containers].map((object) => (object.securityContext ?? {}) as JsonObject);
  const hostPorts = containers.flatMap(({ ports }) => objects(ports)).filter(({ hostPort }) => hostPort !== undefined);
  return [
    ...findingsIn(spec, podFields, ""),
    ...containers.flatMap((container) => findingsIn(container, containerFields, "")),
    ...security.flatMap((context) => findingsIn(context, securityFields, "securityContext.")),
    ...objects(spec.volumes).flatMap((volume) => findingsIn(volume, volumeTypes, "volume ")),
    ...hostPorts.map(() => ({ what: "hostPort", meaning: "reach the Pod by its address" })),
  ];
}

function inServices({ services }: Manifest): Finding[] {
  return services
    .map(({ spec }) => spec.type)
    .filter((type) => type === "NodePort" || type === "LoadBalancer")
    .map((type) => ({ what: `Service type ${type}`, meaning: "has its ClusterIP only" }));
}

function ignoredKinds({ ignored }: Manifest): string[] {
  const byKind = Map.groupBy(ignored, ({ kind }) => kind);
  return [...byKind].map(([kind, found]) => `${kind} ${found.map(({ name }) => name).join(", ")}: ignored`);
}

/** What of the given YAML the sandbox does not emulate, each once: `resources: containers share this machine …`. */
export function omissions(manifest: Manifest): string[] {
  const findings = [...manifest.workloads.flatMap(inWorkload), ...inServices(manifest)];
  const lines = findings.map(({ what, meaning }) => `${what}: ${meaning}`);
  return [...new Set([...lines, ...ignoredKinds(manifest)])];
}

/** Namespaces that objects are in, and that no Namespace object makes; a cluster has `default` of its own. */
export function missingNamespaces(manifest: Manifest): string[] {
  const made = new Set(["default", "kube-system", ...manifest.namespaces.map(({ name }) => name)]);
  const used = [...manifest.workloads, ...manifest.services].map(({ namespace }) => namespace);
  return [...new Set(used.filter((name) => !made.has(name)))];
}
