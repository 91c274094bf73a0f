import type { IDeployment } from "kubernetes-models/apps/v1";
import type { IHorizontalPodAutoscaler } from "kubernetes-models/autoscaling/v2";
import type { IPodDisruptionBudget } from "kubernetes-models/policy/v1";
import type { IContainer, IPodSpec, IProbe } from "kubernetes-models/v1";
import { allocatorEnvironment } from "../../mesh/node-flags.ts";
import type { InstallSettings } from "../settings.ts";
import {
  discoveryMetadata,
  discoveryName,
  discoveryPorts,
  discoveryRootSecretName,
  discoverySelector,
  meshAuthoritySecretName,
  podCertificateSigner,
} from "./discovery-names.ts";
import { spreadOut } from "./placement.ts";
import { autoscalerOf, disruptionBudgetOf } from "./replicas.ts";

/** As the chart writes it: in the order of names, and without what was not given. */
function localityArgument(setting: InstallSettings["discovery"]["localityLbSetting"]): string {
  if (typeof setting === "string" || setting === null) return setting ?? "null";
  const given = <T>(list: readonly T[]) => (list.length === 0 ? undefined : list);
  return JSON.stringify({
    distribute: given(setting.distribute),
    enabled: setting.enabled ? undefined : false,
    failover: given(setting.failover),
    failoverPriority: given(setting.failoverPriority),
  });
}

function discoveryArguments(settings: InstallSettings): string[] {
  const { discovery, namespace } = settings;
  return [
    "discovery",
    `--port=${discoveryPorts.ads}`,
    `--http-port=${discoveryPorts.http}`,
    `--serving-name=${discoveryName(settings)}.${namespace}.svc`,
    `--root-namespace=${namespace}`,
    `--ca-secret=${meshAuthoritySecretName}`,
    `--root-secret=${discoveryRootSecretName}`,
    `--publish-root=${discoveryName(settings)}`,
    `--domain=${discovery.domain}`,
    `--trust-domain=${discovery.trustDomain}`,
    `--export-to=${discovery.exportTo}`,
    `--locality-lb-setting=${localityArgument(discovery.localityLbSetting)}`,
    `--outbound-traffic-policy=${discovery.outboundTrafficPolicy}`,
    `--access-log=${discovery.accessLog}`,
    `--tracing-collector=${discovery.tracing.collector}`,
    `--tracing-sampling=${discovery.tracing.samplingPercent}`,
    `--pod-certificates=${discovery.podCertificates}`,
    `--pod-certificate-signer=${podCertificateSigner(settings)}`,
    `--log-level=${discovery.logLevel}`,
  ];
}

function probe(path: string, periodSeconds: number, failureThreshold: number): IProbe {
  return { httpGet: { path, port: "http-monitoring" }, periodSeconds, failureThreshold, timeoutSeconds: 2 };
}

function container(settings: InstallSettings): IContainer {
  const { images, discovery } = settings;
  return {
    name: "discovery",
    image: images.webhook,
    imagePullPolicy: images.pullPolicy,
    args: discoveryArguments(settings),
    ports: [
      { name: "grpc-xds", containerPort: discoveryPorts.ads },
      { name: "http-monitoring", containerPort: discoveryPorts.http },
    ],
    env: Object.entries(allocatorEnvironment).map(([name, value]) => ({ name, value })),
    startupProbe: probe("/readyz", 1, 120),
    readinessProbe: probe("/readyz", 2, 2),
    livenessProbe: probe("/healthz", 10, 6),
    resources: discovery.resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: true,
    },
  };
}

function podSpec(settings: InstallSettings): IPodSpec {
  const pullSecrets = settings.images.pullSecrets.map((name) => ({ name }));
  return {
    serviceAccountName: discoveryName(settings),
    priorityClassName: settings.discovery.priorityClassName,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    ...(pullSecrets.length > 0 && { imagePullSecrets: pullSecrets }),
    // --drain is 10 s, and there is some time to spare.
    terminationGracePeriodSeconds: 30,
    ...spreadOut(discoverySelector(settings)),
    containers: [container(settings)],
  };
}

/** The control plane's Pods, none of them special. The replicas belong to the autoscaler. */
export function discoveryDeployment(settings: InstallSettings): IDeployment {
  const metadata = discoveryMetadata(settings);
  const selector = discoverySelector(settings);
  const labels = { ...metadata.labels, ...selector, "app.kubernetes.io/component": "discovery" };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata,
    spec: {
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: selector },
      template: {
        metadata: { labels: { ...labels, "sidecar.istio.io/inject": "false" } },
        spec: podSpec(settings),
      },
    },
  };
}

export function discoveryAutoscaler(settings: InstallSettings): IHorizontalPodAutoscaler {
  return autoscalerOf(discoveryMetadata(settings), settings.discovery.replicas);
}

export function discoveryDisruptionBudget(settings: InstallSettings): IPodDisruptionBudget {
  return disruptionBudgetOf(discoveryMetadata(settings), discoverySelector(settings));
}
