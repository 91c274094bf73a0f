import type { AgentOptions } from "../agent/options.ts";
import { podAnnotationsCapability } from "../network-configuration.ts";
import { type PluginEntry, pluginType } from "./conflist.ts";

type EntryOptions = Pick<
  AgentOptions,
  | "logLevel"
  | "runDirectory"
  | "nodeRunDirectory"
  | "excludeNamespaces"
  | "nativeNftables"
  | "namespace"
  | "daemonSet"
  | "pluginPatienceSeconds"
>;

/** Outrigger's entry in the node's chain: all that the plugin must know while no agent answers. No secret is in it. */
export function pluginEntry(options: EntryOptions): PluginEntry {
  return {
    type: pluginType,
    log_level: options.logLevel,
    run_directory: options.nodeRunDirectory ?? options.runDirectory,
    exclude_namespaces: options.excludeNamespaces,
    native_nftables: options.nativeNftables,
    agent_patience_ms: options.pluginPatienceSeconds * 1_000,
    // A DaemonSet's Pods are named after it.
    agent: { namespace: options.namespace, pod_prefix: `${options.daemonSet}-` },
    capabilities: { [podAnnotationsCapability]: true },
  };
}
