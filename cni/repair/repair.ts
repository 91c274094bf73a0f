import type { Logger } from "pino";
import { OutriggerError } from "../../mesh/errors.ts";
import type { AgentMetrics } from "../agent/metrics.ts";
import { type CaptureContext, capturePod, type RuleForm } from "../capture/capture-pod.ts";
import type { NodeCluster, PodEvent } from "../cluster/node-cluster.ts";
import { decidePod } from "../decide.ts";
import type { Attempts } from "./attempts.ts";
import { isBroken, type RepairablePod } from "./broken.ts";
import { podNetworks } from "./namespace-of-pod.ts";

/** What is done about a Pod that started without its rules. */
export const repairModes = ["repair", "delete", "label", "off"] as const;
export type RepairMode = (typeof repairModes)[number];

/** The label that `label` sets, with the value `true`; Istio's. */
export const brokenLabel = "cni.istio.io/uninitialized";

export interface RepairContext {
  readonly mode: RepairMode;
  readonly cluster: Pick<NodeCluster, "deletePod" | "labelPod" | "reportPod">;
  readonly capture: CaptureContext;
  readonly form: RuleForm;
  /** libcni's cache, which knows where a Pod's network namespace is. */
  readonly cacheFolder: string;
  readonly attempts: Attempts;
  readonly metrics: AgentMetrics;
  readonly log: Logger;
  readonly nowMs: () => number;
}

interface Outcome {
  readonly metric: "repaired" | "deleted" | "labelled";
  readonly event: PodEvent;
}

const because = "it started before the node could write the rules that steer its traffic through its sidecar";

async function repairInPlace(pod: RepairablePod, context: RepairContext): Promise<Outcome> {
  const decision = decidePod(pod);
  if (!decision.capture) throw new Error(`this node would not capture it: ${decision.reason}`);
  const networks = await podNetworks(context.cacheFolder, String(pod.metadata.uid));
  const network = networks.at(-1);
  if (network === undefined) throw new Error(`no network of it is known in ${context.cacheFolder}`);
  const addresses = pod.status?.podIPs?.flatMap(({ ip }) => ip ?? []) ?? [];
  const order = { netns: network.netns, settings: decision.settings, addresses, form: context.form };
  await capturePod("write", order, context.capture);
  const note = `Wrote the Pod's traffic rules from the node, since ${because}. It goes on when istio-validation runs again.`;
  return { metric: "repaired", event: { type: "Normal", reason: "CaptureRepaired", action: "Repair", note } };
}

async function deleteIt(pod: RepairablePod, { cluster }: RepairContext): Promise<Outcome | undefined> {
  if (!(await cluster.deletePod(pod))) return undefined;
  const note = `Deleted the Pod, since ${because}. Its controller makes a new one.`;
  return { metric: "deleted", event: { type: "Warning", reason: "CaptureMissing", action: "Delete", note } };
}

async function labelIt(pod: RepairablePod, { cluster }: RepairContext): Promise<Outcome> {
  await cluster.labelPod(pod, brokenLabel, "true");
  const note = `Labelled the Pod ${brokenLabel}=true, since ${because}. Delete it to have a new one.`;
  return { metric: "labelled", event: { type: "Warning", reason: "CaptureMissing", action: "Label", note } };
}

const actions = { repair: repairInPlace, delete: deleteIt, label: labelIt } as const;

function reasonOf(error: unknown): string {
  return error instanceof OutriggerError ? error.message.replaceAll("\n", " ") : (error as Error).message;
}

async function treat(pod: RepairablePod, mode: Exclude<RepairMode, "off">, context: RepairContext): Promise<void> {
  const about = { namespace: pod.metadata.namespace, pod: pod.metadata.name, mode };
  const { metrics, log, cluster } = context;
  let event: PodEvent;
  try {
    const outcome = await actions[mode](pod, context);
    if (outcome === undefined) return;
    metrics.podRepaired(outcome.metric);
    log.info(about, outcome.event.note);
    event = outcome.event;
  } catch (error) {
    metrics.podRepaired("failed");
    log.error({ ...about, reason: reasonOf(error) }, "repair failed");
    const note = `The Pod started without its traffic rules, and they could not be written: ${reasonOf(error)}. Delete it to have a new one.`;
    event = { type: "Warning", reason: "CaptureRepairFailed", action: "Repair", note };
  }
  await cluster.reportPod(pod, event).catch((error) => log.warn({ ...about, reason: reasonOf(error) }, "event lost"));
}

/** Looks through the node's Pods and treats those that started without their rules, as far as the limits let it. */
export async function repairPods(pods: readonly RepairablePod[], context: RepairContext): Promise<void> {
  const { mode, attempts, metrics, nowMs } = context;
  if (mode === "off") return;
  attempts.keepOnly(new Set(pods.map(({ metadata }) => String(metadata.uid))));
  for (const pod of pods.filter(isBroken)) {
    if (mode === "label" && pod.metadata.labels?.[brokenLabel] === "true") continue;
    const verdict = attempts.ask(String(pod.metadata.uid), nowMs());
    if (verdict === "too-many") metrics.podRepaired("postponed");
    if (verdict === "go") await treat(pod, mode, context);
  }
}
