import { once } from "node:events";
import type { Server } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { readPod } from "../pods/read-pod.ts";
import { type Listening, listen } from "../socket/listen.ts";
import { serveConnection } from "../socket/serve.ts";
import { createTurnstile } from "../socket/turnstile.ts";
import type { Agent, AgentWorld } from "./agent.ts";
import { type FollowedPods, followPods } from "./follow-pods.ts";
import { handle } from "./handle.ts";
import { serveHealth } from "./health.ts";
import { createMetrics } from "./metrics.ts";
import type { AgentOptions } from "./options.ts";
import { createReadiness } from "./readiness.ts";
import { reasonOf } from "./reason.ts";
import { standInChain } from "./stand-in-chain.ts";
import { removeStartupTaint } from "./startup-taint.ts";

/** Requests that may wait for their turn: a node has at most some hundred Pods. */
const longestQueue = 512;
const taintRetryMs = 5_000;

async function listenForPlugin(agent: Agent, { index }: FollowedPods): Promise<Listening> {
  const { options, cluster, metrics, log, capture } = agent;
  const context = {
    ...capture,
    readPod: (pod: Parameters<typeof readPod>[0]) => readPod(pod, index, cluster.fetchPod),
    turnstile: createTurnstile({ running: options.concurrency, waiting: longestQueue }),
    metrics,
    log,
  };
  const serveOptions = {
    handle: (request: Parameters<typeof handle>[0]) => handle(request, context),
    refused(error: unknown) {
      metrics.requestRefused();
      log.warn({ reason: reasonOf(error) }, "not a request of the plugin");
    },
  };
  const listening = await listen(options.runDirectory, (socket) => serveConnection(socket, serveOptions));
  agent.readiness.set("socket", true);
  log.info({ runDirectory: options.runDirectory }, "serving the plugin");
  return listening;
}

/** Takes the startup taint off once everything holds; tries again while the API server does not let it. */
async function openNode({ options, cluster, log }: Agent, signal: AbortSignal): Promise<void> {
  if (!options.removeTaint) return;
  while (!signal.aborted) {
    try {
      if (await removeStartupTaint(cluster)) log.info("startup taint removed: meshed Pods can come");
      return;
    } catch (error) {
      log.warn({ reason: reasonOf(error) }, "the startup taint cannot be removed; trying again");
      await delay(taintRetryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

function createAgent(options: AgentOptions, world: AgentWorld, ready: () => void): Agent {
  const metrics = createMetrics();
  const readiness = createReadiness((now) => {
    metrics.readyIs(now);
    world.log.info({ ready: now, missing: readiness.missing() }, now ? "ready" : "not ready");
    if (now) ready();
  });
  const capture = { namespaceFolder: options.namespaceFolder, rules: world.rules };
  return { ...world, options, metrics, readiness, capture };
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/**
 * Runs the node agent until the signal. The order matters: it answers probes first, then the plugin that an earlier agent
 * left in the chain; it puts the plugin there itself only when it can serve it.
 * @throws OutriggerError HOST_UNFIT when the run directory is not fit
 */
export async function runAgent(options: AgentOptions, world: AgentWorld, signal: AbortSignal): Promise<void> {
  const { log } = world;
  const aborted = signal.aborted ? Promise.resolve() : once(signal, "abort");
  const agent: Agent = createAgent(options, world, () => void openNode(agent, signal));
  const health = await serveHealth(options.health, agent.readiness, agent.metrics);
  log.info({ ...options.health, port: health.port }, "serving health and metrics");
  const pods = followPods(agent);
  const socket = await listenForPlugin(agent, pods);
  await Promise.race([aborted, pods.ready]);
  if (!signal.aborted) {
    const installation = standInChain(agent, socket.isCurrent);
    await aborted;
    log.info("stopping");
    await installation.end();
  }
  await socket.close();
  await pods.stop();
  await close(health.server);
}
