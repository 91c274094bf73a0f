import type { Container, Pod } from "../mesh/pod.ts";

/** What others do to a Pod between two calls of the webhook. */
export interface ForeignMutation {
  readonly name: string;
  readonly apply: (pod: Pod) => Pod;
}

function everyContainer(change: (container: Container) => Container): ForeignMutation["apply"] {
  return (pod) => ({
    ...pod,
    spec: {
      ...pod.spec,
      containers: pod.spec.containers.map(change),
      ...(pod.spec.initContainers && { initContainers: pod.spec.initContainers.map(change) }),
    },
  });
}

const tokenMount = {
  name: "kube-api-access-x7k2p",
  mountPath: "/var/run/secrets/kubernetes.io/serviceaccount",
  readOnly: true,
};

/** ServiceAccount admission: the token in every container that has none. */
function mountToken(pod: Pod): Pod {
  const mounted = everyContainer((container) => {
    const mounts = container.volumeMounts ?? [];
    const present = mounts.some(({ mountPath }) => mountPath === tokenMount.mountPath);
    return present ? container : { ...container, volumeMounts: [...mounts, tokenMount] };
  })(pod);
  const volumes = mounted.spec.volumes ?? [];
  if (volumes.some(({ name }) => name === tokenMount.name)) return mounted;
  return {
    ...mounted,
    spec: { ...mounted.spec, volumes: [...volumes, { name: tokenMount.name, projected: { sources: [] } }] },
  };
}

/** The API server's defaults of containers and probes. */
const setDefaults = everyContainer((container) => {
  const probe = (field: "readinessProbe" | "livenessProbe" | "startupProbe") => {
    const given = container[field];
    if (given === undefined) return {};
    const httpGet = given.httpGet && { scheme: "HTTP", path: "/", ...given.httpGet };
    const defaults = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };
    return { [field]: { ...defaults, ...given, ...(httpGet && { httpGet }) } };
  };
  const env = container.env?.map((variable) => {
    const fieldRef = variable.valueFrom?.fieldRef;
    return fieldRef ? { ...variable, valueFrom: { fieldRef: { apiVersion: "v1", ...fieldRef } } } : variable;
  });
  return {
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: "IfNotPresent",
    ...container,
    ...(env && { env }),
    ...probe("readinessProbe"),
    ...probe("livenessProbe"),
    ...probe("startupProbe"),
  };
});

/** Another webhook: a variable in every container, its own last, with a probe of its own. */
function addAgent(pod: Pod): Pod {
  const withEnv = everyContainer((container) => {
    const env = container.env ?? [];
    const known = env.some(({ name }) => name === "AGENT_HOST");
    return known ? container : { ...container, env: [...env, { name: "AGENT_HOST", value: "10.0.0.1" }] };
  })(pod);
  if (withEnv.spec.containers.some(({ name }) => name === "agent")) return withEnv;
  const agent: Container = {
    name: "agent",
    image: "agent:1",
    livenessProbe: { httpGet: { port: 8126, path: "/live" } },
  };
  return { ...withEnv, spec: { ...withEnv.spec, containers: [...withEnv.spec.containers, agent] } };
}

/** A policy webhook: a seccomp profile and a label. */
function enforcePolicy(pod: Pod): Pod {
  const profiled = everyContainer((container) => ({
    ...container,
    securityContext: { seccompProfile: { type: "RuntimeDefault" }, ...container.securityContext },
  }))(pod);
  const labels = { ...profiled.metadata.labels, "policy.example/checked": "true" };
  return { ...profiled, metadata: { ...profiled.metadata, labels } };
}

/** OpenShift's admission: SELinux options on every container. */
const labelProcesses = everyContainer((container) => ({
  ...container,
  securityContext: { seLinuxOptions: { level: "s0:c26,c5" }, ...container.securityContext },
}));

export const foreignMutations: readonly ForeignMutation[] = [
  { name: "mounts the service account's token", apply: mountToken },
  { name: "sets the API's defaults", apply: setDefaults },
  { name: "adds an agent", apply: addAgent },
  { name: "enforces a policy", apply: enforcePolicy },
  { name: "labels processes", apply: labelProcesses },
];
