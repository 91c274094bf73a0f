import type { LogLevel } from "../../host/log.ts";
import type { RepairMode } from "../repair/repair.ts";

/** Everything that the node agent can be told. */
export interface AgentOptions {
  readonly nodeName: string;
  /** The agent's own Pod, and the DaemonSet that it belongs to. */
  readonly podName: string;
  readonly namespace: string;
  readonly daemonSet: string;
  /** Where the kubelet mounts the Pod's credentials. */
  readonly serviceAccountFolder: string;
  /** Where the agent's socket is, as mounted here. */
  readonly runDirectory: string;
  /** The same folder on the node, where the plugin looks for it; the same path when absent. */
  readonly nodeRunDirectory?: string;
  /** The node's folders, as they are mounted here. */
  readonly programFolder: string;
  readonly configurationFolder: string;
  readonly namespaceFolder: string;
  readonly cacheFolder: string;
  /** The plugin's executable in this image. */
  readonly program: string;
  /** What runs commands in Pods' network namespaces. */
  readonly enterProgram: string;
  /** How long the plugin asks an agent that does not answer. */
  readonly pluginPatienceSeconds: number;
  readonly excludeNamespaces: readonly string[];
  readonly nativeNftables: boolean;
  readonly repair: RepairMode;
  readonly repairsPerMinute: number;
  /** Whether the startup taint is taken off the node. */
  readonly removeTaint: boolean;
  /** How many Pods' rules are written at once. */
  readonly concurrency: number;
  /** Where health and metrics are served; port 0 is any free one, which the log tells. */
  readonly health: { readonly address: string; readonly port: number };
  readonly logLevel: LogLevel;
}
