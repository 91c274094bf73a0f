import { annotations, labels } from "../../mesh/names.ts";
import type { JsonObject, Pod } from "../../mesh/pod.ts";
import { labelOf, withAnnotations, withLabels } from "../../mesh/pod-metadata.ts";
import type { InjectionContext } from "../injection-context.ts";
import { strategicMerge } from "../merge/strategic-merge.ts";
import { proxyContainer } from "../pod-containers.ts";
import { metricsPort, type PodOptions, podOptions } from "../pod-options.ts";
import type { InjectionSettings } from "../settings.ts";
import { selectTemplates } from "../template/select-templates.ts";
import type { Finish } from "../template/template.ts";
import { networkVariable, withEnvironment } from "./cluster-env.ts";
import { readStatus, statusText } from "./injection-status.ts";
import { keepForeign } from "./keep-foreign.ts";
import { orderContainers } from "./order.ts";
import { applyOwnContainers, ownContainers } from "./own-fields.ts";
import { keepTransparentRoot, moveOwnProxy } from "./own-proxy.ts";
import { type ProbeRecord, readRecord } from "./probe-record.ts";
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

/** The probes that a former injection recorded. */
function formerRecord(pod: Pod): ProbeRecord {
  return readStatus(pod) === undefined ? {} : readRecord(proxyContainer(pod)?.env);
}

/** The network that the Pod is in: the URL's, or the Pod's own label's where the mesh has networks, or the mesh's. */
function networkOf(pod: Pod, settings: InjectionSettings, { urlEnv }: InjectionContext): string | undefined {
  const fromUrl = urlEnv[networkVariable];
  const { network } = settings.values.global;
  return fromUrl ?? (network === "" ? undefined : labelOf(pod, labels.network) || network);
}

/** The marks of this injection, and the labels and annotations that every injected Pod gets. */
function withMarks(pod: Pod, overlay: JsonObject, settings: InjectionSettings, network: string | undefined): Pod {
  const labelled = network === undefined ? pod : withLabels(pod, { [labels.network]: network });
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
  const owned = keepTransparentRoot(applyOwnContainers(merged, ownContainers(moved, overlay)), options, overlay);
  const network = networkOf(original, settings, context);
  const placed = withEnvironment(owned, { ...context.urlEnv, ...(network && { [networkVariable]: network }) });
  const scraped = mergePrometheus(placed, settings, metricsPort(options));
  const probed = rewriteProbes(scraped, options, formerRecord(pod));
  const finished = finish.reduce((current, step) => step(current, probed.record, options), probed.pod);
  const marked = withMarks(finished, overlay, settings, network);
  const ordered = orderContainers(marked, options.holdApplication);
  return { pod: keepForeign(pod, ordered, overlay), warnings: [...warnings, ...probed.warnings] };
}
