import { setInterval } from "node:timers";
import { createPodIndex, type PodIndex } from "../pods/pod-index.ts";
import { createAttempts } from "../repair/attempts.ts";
import type { RepairablePod } from "../repair/broken.ts";
import { repairPods } from "../repair/repair.ts";
import type { Agent } from "./agent.ts";
import { reasonOf } from "./reason.ts";
import { singleFlight } from "./single-flight.ts";

/** A Pod whose turn to be repaired has not come yet is looked at again after this long. */
const repairIntervalMs = 5_000;

export interface FollowedPods {
  readonly index: PodIndex;
  readonly ready: Promise<void>;
  /** Ends the following, and waits for the repair in work. */
  readonly stop: () => Promise<void>;
}

function repairsOf({ options, cluster, capture, metrics, log }: Agent, pods: () => RepairablePod[]) {
  const context = {
    mode: options.repair,
    cluster,
    capture,
    form: options.nativeNftables ? "nftables" : "iptables",
    cacheFolder: options.cacheFolder,
    attempts: createAttempts({ perMinute: options.repairsPerMinute }),
    metrics,
    log,
    nowMs: () => Date.now(),
  } as const;
  return singleFlight(
    () => repairPods(pods(), context),
    (error) => log.error({ reason: reasonOf(error) }, "looking for Pods without rules failed"),
  );
}

/** Follows this node's Pods: for the plugin's requests, and to repair those that started without their rules. */
export function followPods(agent: Agent): FollowedPods {
  const { cluster, readiness, log } = agent;
  const index = createPodIndex();
  const repairs = repairsOf(agent, () => index.all());
  const { ready, stop } = cluster.followPods(
    (pods) => {
      index.replace(pods);
      readiness.set("pods", true);
      repairs.ask();
    },
    (error) => log.warn({ reason: reasonOf(error) }, "this node's Pods cannot be followed; trying again"),
  );
  const timer = setInterval(repairs.ask, repairIntervalMs).unref();
  return {
    index,
    ready,
    async stop() {
      clearInterval(timer);
      stop();
      await repairs.settled();
    },
  };
}
