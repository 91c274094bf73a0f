import { containers } from "../../mesh/names.ts";
import type { Container, Pod, SecurityContext } from "../../mesh/pod.ts";
import { ports } from "../../mesh/ports.ts";
import type { ProbeRecord } from "../pipeline/probe-record.ts";
import { withContainer } from "../pod-containers.ts";
import type { PodOptions } from "../pod-options.ts";
import type { PodOverlay } from "../template/template.ts";
import { envoyIdentityEnv } from "./envoy.ts";
import { envoyArguments, envoyCommand, withBootstrap } from "./envoy-arguments.ts";
import { envoyBootstrap } from "./envoy-bootstrap.ts";
import { containerMounts, ownVolumes, podVolumes } from "./envoy-volumes.ts";
import { envoyImage } from "./image.ts";
import { metadataEnv, uniqueEnv } from "./istio-env.ts";
import { gatewayContainerContext, gatewaySecurityContext } from "./istio-gateway.ts";
import { pullSecrets } from "./istio-sidecar.ts";
import { readinessProbe } from "./proxy-probes.ts";
import { canonicalLabels, revisionAnnotations } from "./template-metadata.ts";

/** Without root, capabilities, or a file system to write to; low ports are the Pod's to open. */
const hardened: SecurityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  privileged: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
};

function gatewayProxy(options: PodOptions): Container {
  const { imagePullPolicy } = options.settings.values.global;
  return {
    name: containers.proxy,
    image: envoyImage(options),
    command: envoyCommand,
    args: envoyArguments(options, envoyBootstrap(options, "gateway", {}), "router"),
    env: uniqueEnv([...envoyIdentityEnv, ...metadataEnv(options)]),
    ports: [{ name: "http-envoy-prom", containerPort: ports.prometheus, protocol: "TCP" }],
    resources: {},
    securityContext: { ...hardened, ...gatewayContainerContext(options) },
    ...containerMounts(ownVolumes(options)),
    ...(imagePullPolicy !== "" && { imagePullPolicy }),
    ...readinessProbe(options, ports.health),
  };
}

/**
 * The `gateway` template of the `envoy` profile: istio-proxy is the application, and nothing is captured. What it
 * listens to and where it sends it comes from a bootstrap of the user's own (`sidecar.istio.io/bootstrapOverride`):
 * discovery configures sidecars only.
 */
export function envoyGateway(options: PodOptions): PodOverlay {
  return {
    metadata: { labels: canonicalLabels(options.pod, options.owner), annotations: revisionAnnotations(options) },
    spec: {
      securityContext: gatewaySecurityContext(options),
      containers: [gatewayProxy(options)],
      ...podVolumes(ownVolumes(options)),
      ...pullSecrets(options),
    },
  };
}

/** Puts what Envoy answers for the Pod's other containers into its bootstrap. */
export function finishEnvoyGateway(pod: Pod, probes: ProbeRecord, options: PodOptions): Pod {
  return withContainer(pod, containers.proxy, (proxy) =>
    withBootstrap(proxy, envoyBootstrap(options, "gateway", probes, proxy)),
  );
}
