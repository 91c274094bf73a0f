import * as v from "valibot";
import { localitySetting } from "../mesh/locality-setting.ts";
import { domainName, replicas, resources } from "./settings-values.ts";

/** The control plane, which makes a labelled namespace a mesh. docs/discovery.md. With the profile istio there is none. */
export const discovery = v.strictObject({
  enabled: v.optional(v.boolean(), true),
  /** The end of every Service's name. */
  domain: v.optional(domainName, "cluster.local"),
  /** The first part of every workload's identity. */
  trustDomain: v.optional(domainName, "cluster.local"),
  /** Who sees Services that say nothing of it: `*` all namespaces, `.` their own, or names with commas. */
  exportTo: v.optional(v.pipe(v.string(), v.regex(/^[-a-z0-9*.~, ]+$/, "is not a list of namespaces, . or *")), "*"),
  /** Which endpoints are preferred where a Service says nothing of it: Istio's localityLbSetting. Off unless given. */
  localityLbSetting: v.optional(v.nullable(localitySetting), null),
  /** What happens to requests for destinations that no Service has. */
  outboundTrafficPolicy: v.optional(v.picklist(["ALLOW_ANY", "REGISTRY_ONLY"]), "ALLOW_ANY"),
  /** What sidecars write for each request. */
  accessLog: v.optional(v.picklist(["text", "json", "off"]), "text"),
  /** Where sidecars send spans: an OpenTelemetry collector's Service and port, and which part of traces begin here. */
  tracing: v.optional(
    v.strictObject({
      collector: v.optional(
        v.pipe(v.string(), v.regex(/^([a-z0-9.-]+:\d+)?$/, "is not a Service's host and a port")),
        "",
      ),
      samplingPercent: v.optional(v.pipe(v.number(), v.minValue(0, "is below 0"), v.maxValue(100, "is above 100")), 1),
    }),
    {},
  ),
  /** Have kubelets make sidecars' keys, where the cluster offers Pod certificates. docs/identity.md. */
  podCertificates: v.optional(v.boolean(), false),
  replicas,
  resources: resources("100m", "256Mi", "2Gi"),
  priorityClassName: v.optional(v.string(), "system-cluster-critical"),
  logLevel: v.optional(v.picklist(["debug", "info", "warn", "error"]), "info"),
});
