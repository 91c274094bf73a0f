import { annotations, containers, labels } from "../../mesh/names.ts";
import type { JsonObject, Pod } from "../../mesh/pod.ts";
import { labelOf, withAnnotations, withLabels } from "../../mesh/pod-metadata.ts";
import type { InjectionContext } from "../injection-context.ts";
import { strategicMerge } from "../merge/strategic-merge.ts";
import { withContainers } from "../pod-containers.ts";
import { metricsPort, type PodOptions, podOptions } from "../pod-options.ts";
import type { InjectionSettings } from "../settings.ts";
import { selectTemplates } from "../template/select-templates.ts";
import type { Finish } from "../template/template.ts";
import { withUrlEnvironment } from "./cluster-env.ts";
import { statusText } from "./injection-status.ts";
import { keepForeign } from "./keep-foreign.ts";
import { orderContainers } from "./order.ts";
import { applyOwnContainers, injectedNames, ownContainers } from "./own-fields.ts";
import { rewriteProbes } from "./probes.ts";
import { mergePrometheus } from "./prometheus.ts";
import { stripInjection } from "./strip.ts";
import { volumeWarnings } from "./volume-conflicts.ts";

/** An injected Pod, and what its author should know. */
export interface Injection {
  readonly pod: Pod;
  readonly warnings: readonly string[];
}

/** The templates' overlays as one. */
function overlayOf(options: PodOptions, settings: InjectionSettings): { overlay: JsonObject; finish: Finish[] } {
  const templates = selectTemplates(options.pod, settings);
  const overlays = templates.map((template) =>
    template.kind === "fixed" ? template.overlay : template.build(options),
  );
  const finish = templates.flatMap((template) =>
    template.kind === "builder" && template.finish ? [template.finish] : [],
  );
  const [only = {}, ...more] = overlays;
  // A builder's overlay holds no directive that merging it into nothing would have to carry out.
  const first = templates[0]?.kind === "builder" ? only : strategicMerge({}, only);
  return { overlay: more.reduce((merged, one) => strategicMerge(merged, one), first), finish };
}

/** An istio-proxy that the user wrote as a container becomes an init container where the sidecar is a native one. */
function moveOwnProxy(pod: Pod, overlay: JsonObject): Pod {
  const own = pod.spec.containers.find(({ name }) => name === containers.proxy);
  if (own === undefined || !injectedNames(overlay, "initContainers").includes(own.name)) return pod;
  const without = withContainers(pod, "containers", (all) => all.filter((container) => container !== own));
  return withContainers(without, "initContainers", (all) => [...all, own]);
}

/** The network's label, the marks of this injection, and the annotations that every injected Pod gets. */
function withMetadata(pod: Pod, overlay: JsonObject, settings: InjectionSettings, context: InjectionContext): Pod {
  const fromUrl = context.urlEnv.ISTIO_META_NETWORK;
  const network = fromUrl ?? labelOf(pod, labels.network) ?? settings.values.global.network;
  const labelled =
    network === "" || labelOf(pod, labels.network) === network ? pod : withLabels(pod, { [labels.network]: network });
  const status = statusText(overlay, settings.revision);
  return withAnnotations(labelled, { [annotations.status]: status, ...settings.injectedAnnotations });
}

/**
 * Injects the sidecar into a Pod whose annotations are valid. The Pod given is not changed; what stays the same is
 * shared with it. Injecting an injected Pod gives the same Pod.
 * @throws OutriggerError BAD_OBJECT for what cannot be injected as its author asked
 */
export function inject(pod: Pod, settings: InjectionSettings, context: InjectionContext): Injection {
  const original = stripInjection(pod);
  const options = podOptions(original, settings, context);
  const { overlay, finish } = overlayOf(options, settings);
  const moved = moveOwnProxy(original, overlay);
  const merged = strategicMerge(moved, overlay) as Pod;
  const warnings = volumeWarnings(pod, overlay, merged);
  const owned = applyOwnContainers(merged, ownContainers(moved, overlay));
  const placed = withUrlEnvironment(owned, context.urlEnv);
  const scraped = mergePrometheus(placed, settings, metricsPort(options));
  const probed = rewriteProbes(scraped, options);
  const finished = finish.reduce((current, step) => step(current, probed.record, options), probed.pod);
  const marked = withMetadata(finished, overlay, settings, context);
  const ordered = orderContainers(marked, options.holdApplication);
  return { pod: keepForeign(pod, ordered, overlay), warnings: [...warnings, ...probed.warnings] };
}
