import type { Logger } from "pino";
import { OutriggerError } from "../../mesh/errors.ts";
import type { Pod } from "../../mesh/pod.ts";
import { type CaptureContext, capturePod } from "../capture/capture-pod.ts";
import { type CaptureDecision, decide } from "../decide.ts";
import type { PluginRequest } from "../plugin-request.ts";
import type { PodIdentity } from "../pod-identity.ts";
import type { Turnstile } from "../socket/turnstile.ts";
import type { AgentMetrics } from "./metrics.ts";

export interface HandleContext extends CaptureContext {
  /** @throws OutriggerError POD_UNKNOWN */
  readonly readPod: (identity: PodIdentity) => Promise<Pod>;
  readonly turnstile: Turnstile;
  readonly metrics: AgentMetrics;
  readonly log: Logger;
}

async function work(request: PluginRequest, context: HandleContext): Promise<CaptureDecision> {
  const decision = await decide(request.pod, request.configuration, context.readPod);
  if (!decision.capture) return decision;
  const { netns, configuration } = request;
  await context.turnstile.run(() =>
    capturePod(
      request.command === "ADD" ? "write" : "check",
      {
        netns,
        settings: decision.settings,
        addresses: configuration.prevResult?.ips.map(({ address }) => address) ?? [],
        form: configuration.native_nftables ? "nftables" : "iptables",
      },
      context,
    ),
  );
  return decision;
}

function failureFields(error: unknown): object {
  if (error instanceof OutriggerError) return { code: error.code, problems: error.problems };
  return { code: "UNEXPECTED", stack: (error as Error).stack };
}

/**
 * Serves ADD and CHECK: decides about the Pod, and writes or checks its rules.
 * @throws OutriggerError when the Pod must not start as it is
 */
export async function handle(request: PluginRequest, context: HandleContext): Promise<void> {
  const { command, containerId, netns, pod } = request;
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const about = { command, containerId, netns, namespace: pod?.namespace, pod: pod?.name };
  try {
    const { capture, rule, reason } = await work(request, context);
    context.metrics.requestServed(command, capture ? "captured" : "passed", rule, seconds());
    context.log.info({ ...about, capture, rule, reason, seconds: seconds() }, "served");
  } catch (error) {
    context.metrics.requestServed(
      command,
      "failed",
      error instanceof OutriggerError ? error.code : "UNEXPECTED",
      seconds(),
    );
    context.log.error({ ...about, ...failureFields(error), seconds: seconds() }, "refused");
    throw error;
  }
}
