import { annotations, containers } from "../../mesh/names.ts";
import type { Container, EnvVar, JsonObject } from "../../mesh/pod.ts";
import type { PodOptions } from "../pod-options.ts";
import type { PodOverlay } from "../template/template.ts";
import { proxyImage } from "./image.ts";
import { proxyArguments } from "./istio-arguments.ts";
import {
  applicationContainersEnv,
  authorityEnv,
  configurationEnv,
  identityEnv,
  metadataEnv,
  placeEnv,
  uniqueEnv,
  workloadEnv,
} from "./istio-env.ts";
import { pullSecrets } from "./istio-sidecar.ts";
import {
  agentData,
  authorityCertificate,
  grpcConfiguration,
  podInformation,
  serviceAccountToken,
  workloadCertificates,
  workloadSocket,
} from "./istio-volumes.ts";
import { readinessProbe } from "./proxy-probes.ts";
import { sidecarResources } from "./resources.ts";
import { canonicalLabels, revisionAnnotations } from "./template-metadata.ts";

const bootstrapFile = "/etc/istio/proxy/grpc-bootstrap.json";

/** No Envoy stands between kubelet and the application, so its probes stay as they are. */
const keepProbes = { [annotations.rewriteAppHttpProbers]: "false" };

/** istio-proxy as a helper of applications that speak xDS themselves: it gets their certificates and their bootstrap. */
function grpcAgentProxy(options: PodOptions, volumeMounts: JsonObject[]): JsonObject {
  const { imagePullPolicy } = options.settings.values.global;
  const port = options.statusPort;
  const command = ["pilot-agent", "wait", `--url=http://localhost:${port}/healthz/ready`];
  return {
    name: containers.proxy,
    image: proxyImage(options),
    args: proxyArguments(options, "sidecar"),
    env: uniqueEnv([
      { name: "ISTIO_META_GENERATOR", value: "grpc" },
      { name: "OUTPUT_CERTS", value: agentData.mount.mountPath },
      ...authorityEnv(options),
      ...identityEnv,
      ...configurationEnv(options),
      applicationContainersEnv(options),
      ...placeEnv(options, false),
      ...workloadEnv(options),
      ...metadataEnv(options),
      { name: "ISTIO_META_DNS_CAPTURE", value: "false" },
      { name: "DISABLE_ENVOY", value: "true" },
    ]),
    ports: [{ containerPort: port, name: "mesh-metrics", protocol: "TCP" }],
    lifecycle: { postStart: { exec: { command } } },
    resources: sidecarResources(options),
    volumeMounts,
    ...(imagePullPolicy !== "" && { imagePullPolicy }),
    ...readinessProbe(options, port),
  };
}

/** What a container of the application needs to speak xDS. */
function xdsApplication({ name }: Container, options: PodOptions): JsonObject {
  return {
    name,
    env: [
      { name: "GRPC_XDS_EXPERIMENTAL_SECURITY_SUPPORT", value: "true" },
      { name: "GRPC_XDS_BOOTSTRAP", value: bootstrapFile },
    ],
    volumeMounts: [agentData.mount, grpcConfiguration.mount, workloadCertificates(options, {}).mount],
  };
}

/** The `grpc-agent` template: no Envoy and no capture, the applications' gRPC libraries are the data plane. */
export function grpcAgent(options: PodOptions): PodOverlay {
  const certificates = workloadCertificates(options, {});
  const [authority, token] = [authorityCertificate(options), serviceAccountToken(options)];
  const mounts = [workloadSocket, certificates, ...authority, agentData, grpcConfiguration, token, podInformation];
  const volumes = [workloadSocket, certificates, grpcConfiguration, agentData, podInformation, token, ...authority];
  const applications = options.pod.spec.containers.filter(({ name }) => name !== containers.proxy);
  const proxy = grpcAgentProxy(
    options,
    mounts.map(({ mount }) => mount),
  );
  return {
    metadata: {
      labels: canonicalLabels(options.pod, options.owner),
      annotations: { ...revisionAnnotations(options), ...keepProbes },
    },
    spec: {
      containers: [proxy, ...applications.map((container) => xdsApplication(container, options))],
      volumes: volumes.map(({ volume }) => volume),
      ...pullSecrets(options),
    },
  };
}

const simpleData = { name: "grpc-io-proxyless-bootstrap", mountPath: "/var/lib/grpc/data/" };
const simpleFile = `${simpleData.mountPath}bootstrap.json`;

/** gRPC's own bootstrap format. Source: gRFC A27, https://github.com/grpc/proposal/blob/master/A27-xds-global-load-balancing.md */
function simpleBootstrap({ settings }: PodOptions): string {
  const server = `dns:///istiod.${settings.values.global.istioNamespace}.svc:15010`;
  const id = "sidecar~$(INSTANCE_IP)~$(POD_NAME).$(POD_NAMESPACE)~cluster.local";
  return JSON.stringify({
    xds_servers: [{ server_uri: server, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] }],
    node: { id, metadata: { GENERATOR: "grpc" } },
  });
}

/**
 * The `grpc-simple` template: no agent either. An init container writes the bootstrap, which Kubernetes filled in, and
 * runs no text of a user's.
 */
export function grpcSimple(options: PodOptions): PodOverlay {
  const bootstrap: EnvVar = { name: "GRPC_BOOTSTRAP", value: simpleBootstrap(options) };
  const writer: JsonObject = {
    name: "grpc-bootstrap-init",
    image: "busybox:1.28",
    command: ["sh", "-c", `printf '%s' "$GRPC_BOOTSTRAP" > ${simpleFile}`],
    env: [...identityEnv.filter(({ name }) => /^(INSTANCE_IP|POD_NAME|POD_NAMESPACE)$/.test(name)), bootstrap],
    resources: {},
    volumeMounts: [simpleData],
  };
  const application = ({ name }: Container): JsonObject => ({
    name,
    env: [
      { name: "GRPC_XDS_BOOTSTRAP", value: simpleFile },
      { name: "GRPC_GO_LOG_VERBOSITY_LEVEL", value: "99" },
      { name: "GRPC_GO_LOG_SEVERITY_LEVEL", value: "info" },
    ],
    volumeMounts: [simpleData],
  });
  return {
    metadata: { annotations: { ...keepProbes, [annotations.revision]: options.settings.revision } },
    spec: {
      initContainers: [writer],
      containers: options.pod.spec.containers.map(application),
      volumes: [{ name: simpleData.name, emptyDir: {} }],
    },
  };
}
