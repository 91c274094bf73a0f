import prometheus from "prom-client";
import { version } from "../../mesh/version.ts";

/** Seconds. Rules are written in tens of milliseconds; the plugin gives up after ten seconds. */
const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export type RequestOutcome = "captured" | "passed" | "failed";
export type InstallOutcome = "added" | "repaired" | "failed";
export type RepairOutcome = "repaired" | "deleted" | "labelled" | "failed" | "postponed";

function requestMetrics(registers: prometheus.Registry[]) {
  const requests = new prometheus.Counter({
    name: "outrigger_cni_requests_total",
    help: "Requests of the plugin by command, outcome (captured, passed, failed) and the rule or error that decided.",
    labelNames: ["command", "outcome", "rule"],
    registers,
  });
  const duration = new prometheus.Histogram({
    name: "outrigger_cni_request_duration_seconds",
    help: "Time from a request's last byte to its answer.",
    labelNames: ["command", "outcome"],
    buckets: durationBuckets,
    registers,
  });
  const refused = new prometheus.Counter({
    name: "outrigger_cni_refused_requests_total",
    help: "What came over the socket and was no request.",
    registers,
  });
  return { requests, duration, refused };
}

function stateMetrics(registers: prometheus.Registry[]) {
  const ready = new prometheus.Gauge({
    name: "outrigger_cni_ready",
    help: "1 while the plugin stands in the node's chain and this agent serves it.",
    registers,
  });
  const installs = new prometheus.Counter({
    name: "outrigger_cni_installs_total",
    help: "Writes of the plugin or its entry by outcome (added, repaired after somebody removed it, failed).",
    labelNames: ["outcome"],
    registers,
  });
  const repairs = new prometheus.Counter({
    name: "outrigger_cni_pod_repairs_total",
    help: "Pods that started without their rules, by what was done about them.",
    labelNames: ["outcome"],
    registers,
  });
  const build = new prometheus.Gauge({
    name: "outrigger_build_info",
    help: "1, with the version of Outrigger that runs here.",
    labelNames: ["version"],
    registers,
  });
  build.set({ version }, 1);
  return { ready, installs, repairs };
}

/** The node agent's metrics, in a registry of their own. */
export function createMetrics() {
  const registry = new prometheus.Registry();
  prometheus.collectDefaultMetrics({ register: registry });
  const { requests, duration, refused } = requestMetrics([registry]);
  const { ready, installs, repairs } = stateMetrics([registry]);
  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
    requestServed(command: string, outcome: RequestOutcome, rule: string, seconds: number): void {
      requests.inc({ command, outcome, rule });
      duration.observe({ command, outcome }, seconds);
    },
    requestRefused: () => refused.inc(),
    readyIs: (value: boolean) => ready.set(value ? 1 : 0),
    installed: (outcome: InstallOutcome) => installs.inc({ outcome }),
    podRepaired: (outcome: RepairOutcome) => repairs.inc({ outcome }),
  };
}

export type AgentMetrics = ReturnType<typeof createMetrics>;
