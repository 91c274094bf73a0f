import { annotations } from "../../mesh/names.ts";
import type { ResourceRequirements } from "../../mesh/pod.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";
import { canonicalQuantity } from "../config/quantity.ts";
import type { PodOptions } from "../pod-options.ts";

type Amounts = Record<string, string>;

function canonical(amounts: Readonly<Record<string, string | undefined>>): Amounts {
  const set = Object.entries(amounts).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(set.map(([name, amount]) => [name, canonicalQuantity(amount)]));
}

function withoutEmpty(limits: Amounts, requests: Amounts): ResourceRequirements {
  return {
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(Object.keys(requests).length > 0 && { requests }),
  };
}

/**
 * CPU and memory of the sidecar's containers. One annotation about them replaces the whole default block, as in Istio:
 * with `proxyCPU` alone there are no limits and no memory request.
 */
export function sidecarResources({ pod, settings }: PodOptions): ResourceRequirements {
  const [cpu, memory, cpuLimit, memoryLimit] = [
    annotationOf(pod, annotations.proxyCpu),
    annotationOf(pod, annotations.proxyMemory),
    annotationOf(pod, annotations.proxyCpuLimit),
    annotationOf(pod, annotations.proxyMemoryLimit),
  ];
  if ([cpu, memory, cpuLimit, memoryLimit].some((amount) => amount !== undefined)) {
    return withoutEmpty(canonical({ cpu: cpuLimit, memory: memoryLimit }), canonical({ cpu, memory }));
  }
  const { limits = {}, requests = {} } = settings.values.global.proxy.resources ?? {};
  return withoutEmpty(limits, requests);
}
