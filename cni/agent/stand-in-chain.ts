import { pluginEntry } from "../install/entry.ts";
import { type InstallPlan, type InstallState, keepInstalled } from "../install/keep-installed.ts";
import { endReason, uninstall } from "../install/uninstall.ts";
import type { Agent } from "./agent.ts";
import { reasonOf } from "./reason.ts";

export interface Installation {
  /** Stops keeping the plugin installed; takes it off the node when Outrigger was uninstalled. */
  readonly end: () => Promise<void>;
}

function planOf({ options }: Agent): InstallPlan {
  const { program, programFolder, configurationFolder } = options;
  return { program, programFolder, configurationFolder, entry: pluginEntry(options) };
}

function tellWritten({ log, metrics }: Agent, state: InstallState, stoodBefore: boolean): void {
  metrics.installed(stoodBefore ? "repaired" : "added");
  if (stoodBefore) log.warn(state, "plugin put back: somebody had removed or changed it");
  else log.info(state, "plugin installed");
}

function tellMissing({ log }: Agent, state: InstallState): void {
  if (state.state === "no-network") log.warn("no network plugin has written its configuration yet; waiting for it");
  if (state.state === "unusable") log.error(state, "the network's CNI version is too old for a chained plugin");
}

/** Tells what each look at the installation came to; a state that stays is told once. */
function reporter(agent: Agent) {
  let before: InstallState["state"] | undefined;
  let stoodBefore = false;
  return (state: InstallState): void => {
    const stands = state.state === "added" || state.state === "present";
    agent.readiness.set("plugin", stands);
    if (state.programWritten || state.state === "added") tellWritten(agent, state, stoodBefore);
    if (state.state !== before) tellMissing(agent, state);
    before = state.state;
    stoodBefore ||= stands;
  };
}

/** Puts the plugin into the node's chain and keeps it there. */
export function standInChain(agent: Agent, isCurrent: () => Promise<boolean>): Installation {
  const { log, metrics, cluster } = agent;
  const plan = planOf(agent);
  const ending = new AbortController();
  const failed = (error: unknown) => {
    metrics.installed("failed");
    log.error({ reason: reasonOf(error) }, "the plugin cannot be installed; trying again");
  };
  const kept = keepInstalled(plan, { isCurrent, installed: reporter(agent), failed }, ending.signal);
  return {
    async end() {
      ending.abort();
      await kept;
      const reason = await endReason(isCurrent, cluster.isInstalled);
      const files = reason === "uninstalled" ? await uninstall(plan) : [];
      log.info(
        { reason, files },
        reason === "uninstalled" ? "plugin removed from the node" : "plugin stays on the node",
      );
    },
  };
}
