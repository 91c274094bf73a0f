import type { Logger } from "pino";
import type { CaptureContext, NamespaceRules } from "../capture/capture-pod.ts";
import type { NodeCluster } from "../cluster/node-cluster.ts";
import type { AgentMetrics } from "./metrics.ts";
import type { AgentOptions } from "./options.ts";
import type { Readiness } from "./readiness.ts";

/** What the agent reaches the world by. */
export interface AgentWorld {
  readonly cluster: NodeCluster;
  readonly rules: NamespaceRules;
  readonly log: Logger;
}

/** What the agent's parts share. */
export interface Agent extends AgentWorld {
  readonly options: AgentOptions;
  readonly metrics: AgentMetrics;
  readonly readiness: Readiness;
  readonly capture: CaptureContext;
}
