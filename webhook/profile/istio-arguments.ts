import { annotations } from "../../mesh/names.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";
import type { PodOptions } from "../pod-options.ts";

/** Kubernetes expands `$(NAME)` in arguments; what a user wrote is to stay what it is. */
export function literal(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** How much Istio's commands log, and as what. */
export function logArguments({ pod, settings }: PodOptions): string[] {
  const { logging, logAsJson } = settings.values.global;
  const level = literal(annotationOf(pod, annotations.agentLogLevel) ?? logging.level);
  return [`--log_output_level=${level}`, ...(logAsJson ? ["--log_as_json"] : [])];
}

/** The agent's arguments, for a sidecar or a gateway (`router`). */
export function proxyArguments(options: PodOptions, role: "sidecar" | "router"): string[] {
  const { pod, settings } = options;
  const { proxy, sts } = settings.values.global;
  const level = literal(annotationOf(pod, annotations.logLevel) ?? proxy.logLevel);
  const componentLevel = literal(annotationOf(pod, annotations.componentLogLevel) ?? proxy.componentLogLevel);
  const [logLevel = "", ...logFormat] = logArguments(options);
  return [
    "proxy",
    role,
    "--domain",
    `$(POD_NAMESPACE).svc.${proxy.clusterDomain}`,
    `--proxyLogLevel=${level}`,
    `--proxyComponentLogLevel=${componentLevel}`,
    logLevel,
    ...(sts.servicePort === 0 ? [] : [`--stsPort=${sts.servicePort}`]),
    ...logFormat,
    ...(proxy.outlierLogPath === "" ? [] : [`--outlierLogPath=${proxy.outlierLogPath}`]),
  ];
}
