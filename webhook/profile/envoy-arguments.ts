import { annotations } from "../../mesh/names.ts";
import type { Container } from "../../mesh/pod.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";
import type { PodOptions } from "../pod-options.ts";
import { literal } from "./istio-arguments.ts";
import { customBootstrapFile } from "./istio-volumes.ts";

/** What the image's entry point is told. */
export const envoyCommand = ["/usr/local/bin/envoy"];

const bootstrapFlag = "--config-yaml";
/** Worker threads where neither the mesh nor the Pod says. */
const defaultConcurrency = 2;

/** What an Envoy is in the mesh, as its node's id begins. */
export type EnvoyRole = "sidecar" | "router";

/** Who this Envoy is, from the environment. */
function identityArguments({ settings }: PodOptions, role: EnvoyRole): string[] {
  const domain = `$(POD_NAMESPACE).svc.${settings.values.global.proxy.clusterDomain}`;
  return [
    "--service-node",
    `${role}~$(INSTANCE_IP)~$(POD_NAME).$(POD_NAMESPACE)~${domain}`,
    "--service-cluster",
    "$(POD_NAME).$(POD_NAMESPACE)",
  ];
}

function logArguments({ pod, settings }: PodOptions): string[] {
  const { logLevel, componentLogLevel } = settings.values.global.proxy;
  return [
    "--log-level",
    literal(annotationOf(pod, annotations.logLevel) ?? logLevel),
    "--component-log-level",
    literal(annotationOf(pod, annotations.componentLogLevel) ?? componentLogLevel),
  ];
}

/** Access log lines reach the container's log within a quarter of a second; hot restart has no use in a container. */
function processArguments({ proxyConfig }: PodOptions): string[] {
  const concurrency = proxyConfig.concurrency ?? defaultConcurrency;
  const workers = concurrency === 0 ? [] : ["--concurrency", String(concurrency)];
  return [...workers, "--file-flush-interval-msec", "250", "--disable-hot-restart"];
}

/** A bootstrap of the user's own, from a ConfigMap. Envoy reads it first, and merges the other one into it. */
function ownBootstrapArguments({ pod }: PodOptions): string[] {
  const set = annotationOf(pod, annotations.bootstrapOverride) !== undefined;
  return set ? ["--config-path", customBootstrapFile] : [];
}

/** The arguments of a stock Envoy. */
export function envoyArguments(options: PodOptions, bootstrap: string, role: EnvoyRole): string[] {
  return [
    bootstrapFlag,
    bootstrap,
    ...ownBootstrapArguments(options),
    ...identityArguments(options, role),
    ...logArguments(options),
    ...processArguments(options),
  ];
}

/** The container with another bootstrap. One whose arguments are the user's own stays as it is. */
export function withBootstrap(proxy: Container, bootstrap: string): Container {
  const [flag, before, ...rest] = proxy.args ?? [];
  return flag === bootstrapFlag && before !== bootstrap ? { ...proxy, args: [flag, bootstrap, ...rest] } : proxy;
}
