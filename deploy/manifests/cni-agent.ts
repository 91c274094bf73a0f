import type { IDaemonSet } from "kubernetes-models/apps/v1";
import type { IContainer, IEnvVar, IPodSpec, IProbe } from "kubernetes-models/v1";
import type { InstallSettings } from "../settings.ts";
import { cniHealthPort, cniMetadata, cniName, cniSelector } from "./cni-names.ts";
import { commonLabels } from "./names.ts";

/** A right that the agent's container has, and why. docs/cni.md has the table, and a test holds the two together. */
export interface Right {
  readonly name: string;
  readonly reason: string;
}

/** All others are dropped. */
export const cniCapabilities: readonly Right[] = [
  { name: "SYS_ADMIN", reason: "enter a Pod's network namespace, and its user namespace if it has one (setns)" },
  { name: "NET_ADMIN", reason: "write rules, routes and the address ::6 there" },
  { name: "NET_RAW", reason: "let iptables-legacy open its raw socket, on nodes that have no nf_tables" },
];

/** A folder of the node's that the agent sees. */
export interface NodeFolder extends Right {
  readonly setting: keyof InstallSettings["cni"]["directories"];
  readonly mountPath: string;
  readonly readOnly: boolean;
}

export const cniFolders: readonly NodeFolder[] = [
  {
    name: "plugins",
    setting: "plugins",
    mountPath: "/host/opt/cni/bin",
    readOnly: false,
    reason: "put the plugin's executable there, and take it away",
  },
  {
    name: "configuration",
    setting: "configuration",
    mountPath: "/host/etc/cni/net.d",
    readOnly: false,
    reason: "put the plugin's entry into the node's chain, keep it there, and take it away",
  },
  {
    name: "namespaces",
    setting: "namespaces",
    mountPath: "/host/run/netns",
    readOnly: true,
    reason: "open Pods' network namespaces, which the container runtime mounts there",
  },
  {
    name: "cache",
    setting: "cache",
    mountPath: "/host/var/lib/cni",
    readOnly: true,
    reason: "find the network namespace of a Pod that started before the agent did (repair)",
  },
  {
    name: "run",
    setting: "run",
    mountPath: "/run/outrigger-cni",
    readOnly: false,
    reason: "serve the plugin's socket, which root alone can reach",
  },
];

function fromField(name: string, fieldPath: string): IEnvVar {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

function probe(path: string, periodSeconds: number, failureThreshold: number): IProbe {
  return { httpGet: { path, port: "health" }, periodSeconds, failureThreshold, timeoutSeconds: 2 };
}

/** Lists and switches stand in flags of their own, so that the chart can fill in each of them. */
function agentArguments({ cni }: InstallSettings): string[] {
  return [
    "cni",
    "agent",
    `--daemon-set=${cniName}`,
    `--node-run-directory=${cni.directories.run}`,
    ...cni.excludeNamespaces.map((name) => `--exclude-namespace=${name}`),
    `--native-nftables=${cni.nativeNftables}`,
    `--repair=${cni.repair}`,
    `--remove-taint=${cni.removeTaint}`,
    `--health-port=${cniHealthPort}`,
    `--log-level=${cni.logLevel}`,
  ];
}

function container(settings: InstallSettings): IContainer {
  const { images, cni } = settings;
  return {
    name: "agent",
    image: images.cni,
    imagePullPolicy: images.pullPolicy,
    args: agentArguments(settings),
    ports: [{ name: "health", containerPort: cniHealthPort }],
    env: [
      fromField("NODE_NAME", "spec.nodeName"),
      fromField("POD_NAME", "metadata.name"),
      fromField("POD_NAMESPACE", "metadata.namespace"),
      // iptables-legacy's lock; the root file system is read-only.
      { name: "XTABLES_LOCKFILE", value: "/run/outrigger-cni/xtables.lock" },
    ],
    startupProbe: probe("/healthz", 1, 60),
    readinessProbe: probe("/readyz", 2, 2),
    livenessProbe: probe("/healthz", 10, 6),
    resources: cni.resources,
    securityContext: {
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsUser: 0,
      runAsGroup: 0,
      runAsNonRoot: false,
      capabilities: { drop: ["ALL"], add: cniCapabilities.map(({ name }) => name) },
    },
    volumeMounts: cniFolders.map(({ name, mountPath, readOnly }) => ({
      name,
      mountPath,
      readOnly,
      // Namespaces that the runtime mounts later must show here too.
      ...(name === "namespaces" && { mountPropagation: "HostToContainer" }),
    })),
  };
}

function podSpec(settings: InstallSettings): IPodSpec {
  const { images, cni } = settings;
  const pullSecrets = images.pullSecrets.map((name) => ({ name }));
  return {
    serviceAccountName: cniName,
    priorityClassName: "system-node-critical",
    nodeSelector: { "kubernetes.io/os": "linux" },
    // Every node needs it, the ones that are not ready first of all.
    tolerations: [{ operator: "Exists" }],
    securityContext: { seccompProfile: { type: "RuntimeDefault" } },
    ...(pullSecrets.length > 0 && { imagePullSecrets: pullSecrets }),
    terminationGracePeriodSeconds: 30,
    containers: [container(settings)],
    volumes: cniFolders.map(({ name, setting }) => ({
      name,
      hostPath: { path: cni.directories[setting], type: "DirectoryOrCreate" },
    })),
  };
}

/** The node agent. On an upgrade the new Pod of a node takes over from the old one before that ends. */
export function cniDaemonSet(settings: InstallSettings): IDaemonSet {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: cniMetadata(settings),
    spec: {
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: cniSelector },
      template: {
        metadata: { labels: { ...commonLabels(settings), ...cniSelector, "sidecar.istio.io/inject": "false" } },
        spec: podSpec(settings),
      },
    },
  };
}
