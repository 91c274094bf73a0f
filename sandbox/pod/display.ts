import type { ContainerStatus, PodStatus } from "./status.ts";

/** Waits that are part of every start. */
const beginnings = new Set(["PodInitializing", "ContainerCreating"]);

function initPart(container: ContainerStatus, done: number, total: number): string | undefined {
  const { state, role, started } = container;
  if (state.state === "terminated" && role === "init") return state.exitCode === 0 ? undefined : `Init:${state.reason}`;
  if (state.state === "terminated") return `Init:${state.reason}`;
  if (role === "sidecar" && state.state === "running" && started) return undefined;
  if (state.state === "waiting" && !beginnings.has(state.reason)) return `Init:${state.reason}`;
  return `Init:${done}/${total}`;
}

function initStatus(status: PodStatus): string | undefined {
  const inits = status.containers.filter(({ role }) => role !== "main");
  for (const [index, container] of inits.entries()) {
    const part = initPart(container, index, inits.length);
    if (part !== undefined) return part;
  }
  return undefined;
}

/** One word for a Pod, as `kubectl get pods` prints it. */
export function displayStatus(status: PodStatus): string {
  if (status.terminating) return "Terminating";
  if (status.reason !== undefined) return status.reason;
  const mains = status.containers.filter(({ role }) => role === "main");
  const begun = mains.some(({ state }) => state.state !== "waiting" || state.reason !== "PodInitializing");
  if (!begun)
    return initStatus(status) ?? (status.containers.length === mains.length ? "ContainerCreating" : "PodInitializing");
  const troubled = mains.find(
    ({ state }) => state.state === "waiting" || (state.state === "terminated" && state.exitCode !== 0),
  );
  if (troubled !== undefined && troubled.state.state !== "running") return troubled.state.reason;
  const running = mains.some(({ state }) => state.state === "running");
  if (running) return "Running";
  return status.phase === "Succeeded" || status.phase === "Running" ? "Completed" : "Error";
}

function endedBadly(name: string, { state, last }: ContainerStatus): string[] {
  const ended = state.state === "waiting" ? last : state;
  if (ended?.state !== "terminated" || ended.exitCode === 0) return [];
  const said = ended.message === undefined || ended.message === "" ? "" : `: ${ended.message}`;
  return [`${name}: ended with exit code ${ended.exitCode}${said}`];
}

/** The messages behind a status that is not good: which container, and what it said. */
export function explanations(status: PodStatus): string[] {
  const own = status.message === undefined ? [] : [status.message];
  const ofContainers = status.containers.flatMap((container) => {
    const { name, state } = container;
    const waits = state.state === "waiting" && state.message !== undefined ? [`${name}: ${state.message}`] : [];
    return [...waits, ...endedBadly(name, container)];
  });
  return [...own, ...ofContainers];
}
