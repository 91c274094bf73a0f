import { type LocalitySetting, noLocalitySetting } from "../../mesh/locality-setting.ts";
import type { ServiceDefaults } from "../registry/service.ts";

/** What holds for the whole mesh. */
export interface MeshSettings extends ServiceDefaults {
  /** The first part of every SPIFFE identity. */
  readonly trustDomain: string;
  /** Where policies for the whole mesh stand. */
  readonly rootNamespace: string;
  /** What happens to traffic to a destination that no Service has: Istio's `outboundTrafficPolicy`. */
  readonly outboundTraffic: "ALLOW_ANY" | "REGISTRY_ONLY";
  /** Which endpoints are preferred where a Service says nothing of it: Istio's `localityLbSetting`. */
  readonly locality: LocalitySetting;
  readonly accessLog: "text" | "json" | "off";
  /** Who signs what kubelets put into Pods, when that is discovery: such Pods get no key from it. */
  readonly podCertificateSigner: string | undefined;
  /** Where spans go, if anywhere: an OpenTelemetry collector's OTLP port over gRPC. */
  readonly tracing: TracingSettings | undefined;
}

export interface TracingSettings {
  /** The collector's Service: `collector.observability.svc.cluster.local`. */
  readonly host: string;
  readonly port: number;
  /** 0 to 100. */
  readonly samplingPercent: number;
}

export const defaultSettings: MeshSettings = {
  domain: "cluster.local",
  trustDomain: "cluster.local",
  rootNamespace: "outrigger-system",
  exportTo: "*",
  outboundTraffic: "ALLOW_ANY",
  locality: noLocalitySetting,
  accessLog: "text",
  podCertificateSigner: undefined,
  tracing: undefined,
};
