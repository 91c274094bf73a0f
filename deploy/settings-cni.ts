import * as v from "valibot";
import { dnsLabel, folder, resources } from "./settings-values.ts";

/** Capture from the node, in place of istio-init. docs/cni.md. */
export const cni = v.strictObject({
  /** Pods are injected without istio-init: the node writes their rules. */
  enabled: v.optional(v.boolean(), false),
  /** Bring the node agent. There is one in a cluster: further revisions say false. */
  agent: v.optional(v.boolean(), true),
  /** Where the agent runs. Pod Security must let it in: not the webhook's namespace. */
  namespace: v.optional(dnsLabel, "outrigger-cni"),
  excludeNamespaces: v.optional(v.array(dnsLabel), ["kube-system"]),
  nativeNftables: v.optional(v.boolean(), false),
  /** What is done about Pods that started before the node's plugin stood. */
  repair: v.optional(v.picklist(["repair", "delete", "label", "off"]), "repair"),
  /** Take cni.istio.io/not-ready off nodes that are ready. */
  removeTaint: v.optional(v.boolean(), false),
  /** Where the nodes keep what concerns CNI. */
  directories: v.optional(
    v.strictObject({
      plugins: v.optional(folder, "/opt/cni/bin"),
      configuration: v.optional(folder, "/etc/cni/net.d"),
      namespaces: v.optional(folder, "/var/run/netns"),
      cache: v.optional(folder, "/var/lib/cni"),
      run: v.optional(folder, "/run/outrigger-cni"),
    }),
    {},
  ),
  resources: resources("20m", "96Mi", "256Mi"),
  logLevel: v.optional(v.picklist(["debug", "info", "warn", "error"]), "info"),
});
