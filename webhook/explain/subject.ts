import type { AdmissionEntry } from "../../mesh/admission-entries.ts";
import type { Owner } from "../../mesh/owner.ts";
import type { Labels } from "../../mesh/pod.ts";
import type { ClusterFacts } from "../cluster-facts.ts";
import type { InjectionSettings } from "../settings.ts";

/** A Pod to be explained, and where it is. */
export interface Subject {
  /** `Deployment/till`. */
  readonly workload: string;
  readonly namespace: { readonly name: string; readonly labels: Labels };
  /** The Pod, or a workload's template, as raw JSON. */
  readonly object: unknown;
  readonly owner?: Owner;
}

/** What decides on it: the registrations' entries, and the configuration. */
export interface Rulebook {
  readonly entries: readonly AdmissionEntry[];
  readonly settings: InjectionSettings;
  readonly facts: ClusterFacts;
}
