import type { JsonObject, Pod } from "../../mesh/pod.ts";
import type { ProbeRecord } from "../pipeline/probe-record.ts";
import type { PodOptions } from "../pod-options.ts";

/** A part of a Pod that is merged into the Pod strategically. */
export type PodOverlay = JsonObject;

/** A last step of a template, once the application's probes are known. */
export type Finish = (pod: Pod, probes: ProbeRecord, options: PodOptions) => Pod;

/** What `inject.istio.io/templates` can name: a function that builds the overlay, or the reason why there is none. */
export type Template =
  | { readonly kind: "builder"; readonly build: (options: PodOptions) => PodOverlay; readonly finish?: Finish }
  | { readonly kind: "fixed"; readonly overlay: PodOverlay }
  | { readonly kind: "unusable"; readonly reason: string };

export type Templates = ReadonlyMap<string, Template>;
