import type { Container, JsonObject, Pod, PodSpec, VolumeMount } from "../../mesh/pod.ts";
import type { ServiceAccount } from "../manifest/manifest.ts";
import { suffix } from "./identity.ts";

/**
 * What the API server fills into a Pod before it calls admission webhooks, so that a webhook sees what it would see in a
 * cluster. Values the author wrote stay.
 * Source: https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.34/#podspec-v1-core
 */
const podDefaults = {
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 30,
  dnsPolicy: "ClusterFirst",
  schedulerName: "default-scheduler",
  enableServiceLinks: true,
  preemptionPolicy: "PreemptLowerPriority",
  priority: 0,
} as const;

const containerDefaults = {
  resources: {},
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
} as const;

const probeDefaults = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 } as const;
const probeNames = ["livenessProbe", "readinessProbe", "startupProbe"] as const;

/** A moving tag is pulled each time; a fixed one only when it is not there. */
function pullPolicy(image: string): string {
  const tag = /:([^:/@]+)(@.*)?$/.exec(image)?.[1];
  const isFixed = image.includes("@") || (tag !== undefined && tag !== "latest");
  return isFixed ? "IfNotPresent" : "Always";
}

function defaultedProbe(probe: JsonObject): JsonObject {
  const { httpGet } = probe as { httpGet?: JsonObject };
  return {
    ...probeDefaults,
    ...probe,
    ...(httpGet !== undefined && { httpGet: { path: "/", scheme: "HTTP", ...httpGet } }),
  };
}

function defaultedContainer(container: Container): Container {
  const result: Container = {
    ...containerDefaults,
    imagePullPolicy: pullPolicy(container.image ?? ""),
    ...container,
  };
  for (const name of probeNames) {
    const probe = container[name];
    if (probe !== undefined) result[name] = defaultedProbe(probe) as NonNullable<Container["livenessProbe"]>;
  }
  if (container.ports !== undefined) result.ports = container.ports.map((port) => ({ protocol: "TCP", ...port }));
  return result;
}

const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The projected volume with the ServiceAccount's token, as the API server's ServiceAccount admission adds it. */
function tokenVolume(name: string): JsonObject & { name: string } {
  const namespaceFile = { path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } };
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { path: "token", expirationSeconds: 3607 } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        { downwardAPI: { items: [namespaceFile] } },
      ],
    },
  };
}

function withMount(container: Container, mount: VolumeMount): Container {
  const mounts = container.volumeMounts ?? [];
  if (mounts.some(({ mountPath }) => mountPath === mount.mountPath)) return container;
  return { ...container, volumeMounts: [...mounts, mount] };
}

function withToken(spec: PodSpec, seed: string): PodSpec {
  const name = `kube-api-access-${suffix(`${seed}/token`)}`;
  const mount: VolumeMount = { name, mountPath: tokenPath, readOnly: true };
  const result: PodSpec = {
    ...spec,
    containers: spec.containers.map((container) => withMount(container, mount)),
    volumes: [...(spec.volumes ?? []), tokenVolume(name)],
  };
  if (spec.initContainers !== undefined) {
    result.initContainers = spec.initContainers.map((container) => withMount(container, mount));
  }
  return result;
}

/** The Pod as the first webhook sees it. `seed` makes the names that are generated. */
export function withDefaults(pod: Pod, seed: string, accounts: readonly ServiceAccount[]): Pod {
  const accountName = pod.spec.serviceAccountName ?? "default";
  const account = accounts.find(({ name, namespace }) => name === accountName && namespace === pod.metadata.namespace);
  const spec: PodSpec = {
    ...podDefaults,
    securityContext: {},
    serviceAccountName: accountName,
    serviceAccount: accountName,
    ...pod.spec,
    containers: pod.spec.containers.map(defaultedContainer),
  };
  if (pod.spec.initContainers !== undefined) spec.initContainers = pod.spec.initContainers.map(defaultedContainer);
  const automount = pod.spec.automountServiceAccountToken ?? account?.automountToken ?? true;
  return { ...pod, spec: automount === false ? spec : withToken(spec, seed) };
}
