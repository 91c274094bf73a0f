import { annotations } from "../../mesh/names.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";
import { ports } from "../../mesh/ports.ts";
import type { PodOptions } from "../pod-options.ts";

/** Ports that the status port joins, unless it stands among them or is turned off. */
export function excludedInboundPorts({ pod, settings, statusPort }: PodOptions): string {
  const set = annotationOf(pod, annotations.excludeInboundPorts);
  const list = (set ?? settings.values.global.proxy.excludeInboundPorts).split(",").map((port) => port.trim());
  const listed = list.filter((port) => port !== "");
  const status = String(statusPort);
  return (statusPort === 0 || listed.includes(status) ? listed : [...listed, status]).join(",");
}

/** The Pod's annotation, else the values': what the flag of that name gets. */
export interface CaptureValues {
  readonly includeOutboundIPRanges: string;
  readonly excludeOutboundIPRanges: string;
  readonly includeInboundPorts: string;
  readonly excludeInboundPorts: string;
  /** Undefined where neither says anything. */
  readonly includeOutboundPorts: string | undefined;
  readonly excludeOutboundPorts: string | undefined;
  readonly rerouteVirtualInterfaces: string | undefined;
  readonly excludeInterfaces: string | undefined;
}

/** What a Pod's capture is to be, as text that the init command understands. */
export function captureValues(options: PodOptions): CaptureValues {
  const { pod } = options;
  const { proxy } = options.settings.values.global;
  const optional = (name: string, fallback: string) =>
    annotationOf(pod, name) ?? (fallback === "" ? undefined : fallback);
  return {
    includeOutboundIPRanges: annotationOf(pod, annotations.includeOutboundIPRanges) ?? proxy.includeIPRanges,
    excludeOutboundIPRanges: annotationOf(pod, annotations.excludeOutboundIPRanges) ?? proxy.excludeIPRanges,
    includeInboundPorts: annotationOf(pod, annotations.includeInboundPorts) ?? proxy.includeInboundPorts,
    excludeInboundPorts: excludedInboundPorts(options),
    includeOutboundPorts: optional(annotations.includeOutboundPorts, proxy.includeOutboundPorts),
    excludeOutboundPorts: optional(annotations.excludeOutboundPorts, proxy.excludeOutboundPorts),
    rerouteVirtualInterfaces:
      annotationOf(pod, annotations.rerouteVirtualInterfaces) ?? annotationOf(pod, annotations.kubevirtInterfaces),
    excludeInterfaces: annotationOf(pod, annotations.excludeInterfaces),
  };
}

/** The ports of the sidecar's own that must never be captured. */
const alwaysExcluded = `${ports.prometheus},${ports.health}`;

/** The init command's flags for a Pod's capture settings, in Istio's order. */
export function captureArguments(options: PodOptions): string[] {
  const values = captureValues(options);
  const { mesh } = options.settings;
  const required = [
    ["-p", String(mesh.proxyListenPort)],
    ["-z", String(mesh.proxyInboundListenPort)],
    ["-u", String(options.ids.user)],
    ["-m", options.mode],
    ["-i", values.includeOutboundIPRanges],
    ["-x", values.excludeOutboundIPRanges],
    ["-b", values.includeInboundPorts],
    ["-d", values.excludeInboundPorts === "" ? alwaysExcluded : `${alwaysExcluded},${values.excludeInboundPorts}`],
  ];
  const optional = [
    ["-q", values.includeOutboundPorts],
    ["-o", values.excludeOutboundPorts],
    ["-k", values.rerouteVirtualInterfaces],
    ["-c", values.excludeInterfaces],
  ].filter((flag): flag is [string, string] => flag[1] !== undefined);
  return [...required, ...optional].flat();
}
