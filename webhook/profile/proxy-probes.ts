import { annotations } from "../../mesh/names.ts";
import type { Container, Probe } from "../../mesh/pod.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";
import { ports } from "../../mesh/ports.ts";
import type { PodOptions } from "../pod-options.ts";

/** A zero leaves the field to Kubernetes' default. */
function probe(port: number, fields: Readonly<Record<string, number>>): Probe {
  const set = Object.entries(fields).filter(([, value]) => value > 0);
  return { httpGet: { path: "/healthz/ready", port }, timeoutSeconds: 3, ...Object.fromEntries(set) };
}

/** Holds the Pod's start until the proxy is ready, or fails it. */
export function startupProbe({ settings, statusPort }: PodOptions): Pick<Container, "startupProbe"> {
  const { enabled, failureThreshold } = settings.values.global.proxy.startupProbe;
  return enabled && statusPort !== 0
    ? { startupProbe: probe(ports.health, { periodSeconds: 1, failureThreshold }) }
    : {};
}

/** Whether the Pod may get traffic, as far as the proxy is concerned. None without a status port. */
export function readinessProbe(
  { pod, settings, statusPort }: PodOptions,
  port: number,
): Pick<Container, "readinessProbe"> {
  if (statusPort === 0) return {};
  const { proxy } = settings.values.global;
  const number = (name: string, fallback: number) => Number(annotationOf(pod, name) ?? fallback);
  return {
    readinessProbe: probe(port, {
      periodSeconds: number(annotations.readinessPeriodSeconds, proxy.readinessPeriodSeconds),
      failureThreshold: number(annotations.readinessFailureThreshold, proxy.readinessFailureThreshold),
      initialDelaySeconds: number(annotations.readinessInitialDelaySeconds, proxy.readinessInitialDelaySeconds),
    }),
  };
}
