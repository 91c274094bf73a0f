import { OutriggerError, type Problem } from "../../mesh/errors.ts";
import { annotations } from "../../mesh/names.ts";
import type { Pod } from "../../mesh/pod.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";
import { readProxyConfig } from "../config/proxy-config-merge.ts";
import { readOwnContainers } from "../pipeline/own-fields.ts";
import { stripInjection } from "../pipeline/strip.ts";
import type { ProfileName } from "../profile/profiles.ts";
import type { InjectionSettings } from "../settings.ts";
import { selectTemplates } from "../template/select-templates.ts";
import { type Check, checks, mode, oneLine, quantity, truth, wholeNumber } from "./checks.ts";
import { annotationField, userVolumeMounts, userVolumes } from "./json-annotation.ts";
import { scrapeProblems } from "./scrape-problems.ts";

const uint16 = wholeNumber(65535);
const uint32 = wholeNumber(4294967295);

/** What each annotation's value must be. Whatever is not named here may be anything. */
const rules: ReadonlyMap<string, Check> = new Map<string, Check>([
  [annotations.interceptionMode, mode],
  [annotations.includeOutboundIPRanges, checks.includeIpRanges],
  [annotations.excludeOutboundIPRanges, checks.excludeIpRanges],
  [annotations.includeInboundPorts, checks.portsOrAll],
  [annotations.excludeInboundPorts, checks.ports],
  [annotations.includeOutboundPorts, checks.ports],
  [annotations.excludeOutboundPorts, checks.ports],
  [annotations.excludeInterfaces, checks.interfaces],
  [annotations.rerouteVirtualInterfaces, checks.interfaces],
  [annotations.kubevirtInterfaces, checks.interfaces],
  [annotations.statusPort, uint16],
  [annotations.readinessInitialDelaySeconds, uint32],
  [annotations.readinessPeriodSeconds, uint32],
  [annotations.readinessFailureThreshold, uint32],
  [annotations.proxyCpu, quantity],
  [annotations.proxyMemory, quantity],
  [annotations.proxyCpuLimit, quantity],
  [annotations.proxyMemoryLimit, quantity],
  [annotations.mergeMetrics, truth],
  [annotations.proxyImage, oneLine],
  [annotations.proxyImageType, oneLine],
  [annotations.logLevel, oneLine],
  [annotations.componentLogLevel, oneLine],
  [annotations.agentLogLevel, oneLine],
]);

const portLists: ReadonlySet<string> = new Set([
  annotations.includeInboundPorts,
  annotations.excludeInboundPorts,
  annotations.includeOutboundPorts,
  annotations.excludeOutboundPorts,
]);

/** Our own init command takes ranges of ports; Istio's does not. */
function rangeProblem(name: string, value: string, profile: ProfileName): ReturnType<Check> {
  if (profile !== "istio" || !portLists.has(name) || !/\d[:-]\d/.test(value)) return undefined;
  return { message: "has a range of ports, which Istio's init command does not take", remedy: "list each port" };
}

/** What is wrong with a Pod's annotations, all of it. */
export function annotationProblems(pod: Pod, profile: ProfileName): Problem[] {
  const set = Object.keys(pod.metadata.annotations ?? {});
  return set.flatMap((name) => {
    const value = annotationOf(pod, name) ?? "";
    const problem = rules.get(name)?.(value) ?? rangeProblem(name, value, profile);
    return problem === undefined ? [] : [{ field: annotationField(name), value, ...problem }];
  });
}

/** What reading an annotation throws, as problems. */
function thrownProblems(read: () => unknown): readonly Problem[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof OutriggerError) return error.problems;
    throw error;
  }
}

/** What is wrong with annotations that hold JSON or YAML. */
function structureProblems(pod: Pod, settings: InjectionSettings): Problem[] {
  const proxyConfig = annotationOf(pod, annotations.proxyConfig);
  const readers: (() => unknown)[] = [
    () => proxyConfig !== undefined && readProxyConfig(proxyConfig, annotationField(annotations.proxyConfig)),
    () => userVolumes(pod),
    () => userVolumeMounts(pod),
    () => readOwnContainers(pod),
    () => selectTemplates(pod, settings),
  ];
  return readers.flatMap(thrownProblems);
}

/**
 * Checks a Pod's annotations, those of a Pod that was injected already included.
 * @throws OutriggerError BAD_OBJECT with every bad value and what may stand there
 */
export function validateAnnotations(pod: Pod, settings: InjectionSettings): void {
  const structure = structureProblems(pod, settings);
  // A record that cannot be read cannot be stripped either.
  const scrape = structure.length === 0 ? scrapeProblems(stripInjection(pod), settings) : [];
  const problems = [...annotationProblems(pod, settings.profile), ...structure, ...scrape];
  if (problems.length > 0) throw new OutriggerError("BAD_OBJECT", problems);
}
