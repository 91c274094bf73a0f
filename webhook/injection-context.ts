import type { Owner } from "../mesh/owner.ts";
import type { ClusterFacts } from "./cluster-facts.ts";

/** What injection is told besides the Pod and the settings. */
export interface InjectionContext {
  /** The namespace that the Pod is created in; empty if unknown. */
  readonly namespace: string;
  /** Environment of istio-proxy that the webhook's URL sets, by name. */
  readonly urlEnv: Readonly<Record<string, string>>;
  readonly facts: ClusterFacts;
  /** The workload, where the caller knows it better than the Pod tells. */
  readonly owner?: Owner;
}

/** The user and group that the proxy runs as. */
export interface ProxyIds {
  readonly user: number;
  readonly group: number;
}
