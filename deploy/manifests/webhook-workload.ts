import type { IDeployment } from "kubernetes-models/apps/v1";
import type { IHorizontalPodAutoscaler } from "kubernetes-models/autoscaling/v2";
import type { IPodDisruptionBudget } from "kubernetes-models/policy/v1";
import type { IContainer, IPodSpec, IProbe, IVolume, IVolumeMount } from "kubernetes-models/v1";
import { allocatorEnvironment, webhookNodeFlags } from "../../mesh/node-flags.ts";
import { startProgram } from "../images/program.ts";
import type { InstallSettings } from "../settings.ts";
import { discoveryName, discoveryRootKey, lacksDiscovery } from "./discovery-names.ts";
import { certificateSecretName, commonLabels, webhookName, webhookPorts, webhookSelector } from "./names.ts";
import { spreadOut } from "./placement.ts";
import { autoscalerOf, disruptionBudgetOf } from "./replicas.ts";
import { webhookArguments } from "./webhook-arguments.ts";

const certificateFolder = "/etc/outrigger/certificate";
const discoveryFolder = "/etc/outrigger/discovery";
/** --drain-delay and --drain-timeout, and some time to spare. */
export const gracePeriodSeconds = 30;

interface Mounted {
  readonly volume: IVolume;
  readonly mount: IVolumeMount;
}

/** Only when somebody else makes the certificate does it come as a file. */
function certificateFiles(settings: InstallSettings): Mounted[] {
  if (settings.certificates.from === "self-managed") return [];
  const name = "certificate";
  return [
    {
      volume: { name, secret: { secretName: certificateSecretName(settings), defaultMode: 0o444 } },
      mount: { name, mountPath: certificateFolder, readOnly: true },
    },
  ];
}

/** Discovery's root. Where there is a discovery, the Pod starts once it has published it. */
function discoveryRootFile(settings: InstallSettings): Mounted {
  const name = "discovery";
  const items = [{ key: discoveryRootKey, path: discoveryRootKey }];
  return {
    volume: { name, configMap: { name: discoveryName(settings), items, optional: lacksDiscovery(settings) } },
    mount: { name, mountPath: discoveryFolder, readOnly: true },
  };
}

function mounted(settings: InstallSettings): Mounted[] {
  return [discoveryRootFile(settings), ...certificateFiles(settings)];
}

function probe(path: string, periodSeconds: number, failureThreshold: number): IProbe {
  return {
    httpGet: { path, port: "https", scheme: "HTTPS" },
    periodSeconds,
    failureThreshold,
    timeoutSeconds: 2,
  };
}

function container(settings: InstallSettings): IContainer {
  const { images, webhook } = settings;
  return {
    name: "webhook",
    image: images.webhook,
    imagePullPolicy: images.pullPolicy,
    // The image's own flags are for all that is in it.
    command: startProgram(webhookNodeFlags),
    args: webhookArguments(settings, { certificate: certificateFolder, discovery: discoveryFolder }),
    ports: [{ name: "https", containerPort: webhookPorts.container }],
    env: [
      { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
      ...Object.entries(allocatorEnvironment).map(([name, value]) => ({ name, value })),
    ],
    startupProbe: probe("/healthz", 1, 60),
    readinessProbe: probe("/readyz", 2, 2),
    livenessProbe: probe("/healthz", 10, 6),
    resources: webhook.resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: true,
    },
    volumeMounts: mounted(settings).map(({ mount }) => mount),
  };
}

function podSpec(settings: InstallSettings): IPodSpec {
  const pullSecrets = settings.images.pullSecrets.map((name) => ({ name }));
  return {
    serviceAccountName: webhookName(settings),
    priorityClassName: settings.webhook.priorityClassName,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    ...(pullSecrets.length > 0 && { imagePullSecrets: pullSecrets }),
    terminationGracePeriodSeconds: gracePeriodSeconds,
    ...spreadOut(webhookSelector(settings)),
    containers: [container(settings)],
    volumes: mounted(settings).map(({ volume }) => volume),
  };
}

function metadataOf(settings: InstallSettings) {
  return { name: webhookName(settings), namespace: settings.namespace, labels: commonLabels(settings) };
}

/** The webhook's Pods. The replicas belong to the autoscaler: applying again must not undo its work. */
export function deployment(settings: InstallSettings): IDeployment {
  const selector = webhookSelector(settings);
  const metadata = metadataOf(settings);
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      // The new Pod is ready before an old one goes.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: selector },
      template: {
        metadata: { labels: { ...metadata.labels, ...selector, "sidecar.istio.io/inject": "false" } },
        spec: podSpec(settings),
      },
    },
  };
}

export function autoscaler(settings: InstallSettings): IHorizontalPodAutoscaler {
  return autoscalerOf(metadataOf(settings), settings.webhook.replicas);
}

export function disruptionBudget(settings: InstallSettings): IPodDisruptionBudget {
  return disruptionBudgetOf(metadataOf(settings), webhookSelector(settings));
}
