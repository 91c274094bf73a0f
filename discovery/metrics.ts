import prometheus from "prom-client";
import { version } from "../mesh/version.ts";
import type { Rejection } from "./ads/connection.ts";
import type { Update } from "./control-plane.ts";
import type { CountedOutcome } from "./identity/pod-certificates/serve.ts";
import type { ResourceKind } from "./translate/resource.ts";

/** Seconds. */
const convergenceBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface Metrics {
  readonly registry: prometheus.Registry;
  connected(count: number): void;
  rejected(reason: Rejection): void;
  sent(kind: ResourceKind, bytes: number): void;
  acknowledged(kind: ResourceKind, seconds: number): void;
  refused(kind: ResourceKind): void;
  updated(update: Update): void;
  podCertificate(outcome: CountedOutcome): void;
}

function streamMetrics(registers: prometheus.Registry[]) {
  const labelNames = ["kind"];
  return {
    pushes: new prometheus.Counter({
      name: "outrigger_discovery_pushes_total",
      help: "Responses sent to proxies, by kind of resource.",
      labelNames,
      registers,
    }),
    bytes: new prometheus.Counter({
      name: "outrigger_discovery_push_bytes_total",
      help: "Bytes of the responses sent to proxies.",
      labelNames,
      registers,
    }),
    acknowledgement: new prometheus.Histogram({
      name: "outrigger_discovery_acknowledgement_seconds",
      help: "Time from a response to the proxy's word that it took it.",
      labelNames,
      buckets: convergenceBuckets,
      registers,
    }),
    refusals: new prometheus.Counter({
      name: "outrigger_discovery_nacks_total",
      help: "Responses that a proxy refused.",
      labelNames,
      registers,
    }),
  };
}

function serverMetrics(registers: prometheus.Registry[]) {
  return {
    proxies: new prometheus.Gauge({
      name: "outrigger_discovery_connected_proxies",
      help: "Proxies that are connected to this replica.",
      registers,
    }),
    rejections: new prometheus.Counter({
      name: "outrigger_discovery_rejected_streams_total",
      help: "Streams that were not let in, by reason.",
      labelNames: ["reason"],
      registers,
    }),
    changes: new prometheus.Counter({
      name: "outrigger_discovery_changes_total",
      help: "Changes of the cluster's objects that were worked off.",
      registers,
    }),
    update: new prometheus.Histogram({
      name: "outrigger_discovery_update_seconds",
      help: "Time to work one turn of changes off, without the sending.",
      buckets: convergenceBuckets,
      registers,
    }),
    delay: new prometheus.Histogram({
      name: "outrigger_discovery_update_delay_seconds",
      help: "Time from a turn's first change until it was worked off: the debouncing with it.",
      buckets: convergenceBuckets,
      registers,
    }),
  };
}

/** What is asked when somebody looks. */
export interface MetricSources {
  /** When each workload certificate in use ends. */
  readonly expiries: () => ReadonlyMap<string, Date>;
  /** When each authority ends, by what it is of. */
  readonly authorityExpiries: () => Readonly<Record<"mesh" | "discovery", Date>>;
}

function certificateMetrics({ expiries, authorityExpiries }: MetricSources, registers: prometheus.Registry[]): void {
  new prometheus.Gauge({
    name: "outrigger_discovery_first_certificate_expiry_timestamp_seconds",
    help: "When the first of the workload certificates in use ends, in seconds since 1970; 0 if there is none.",
    registers,
    collect() {
      const times = [...expiries().values()].map((date) => date.getTime() / 1000);
      this.set(times.length === 0 ? 0 : Math.min(...times));
    },
  });
  new prometheus.Gauge({
    name: "outrigger_discovery_authority_expiry_timestamp_seconds",
    help: "When what the mesh and discovery sign with ends, in seconds since 1970.",
    labelNames: ["authority"],
    registers,
    collect() {
      for (const [authority, end] of Object.entries(authorityExpiries())) this.set({ authority }, end.getTime() / 1000);
    },
  });
}

function podCertificateMetrics(registers: prometheus.Registry[]) {
  return new prometheus.Counter({
    name: "outrigger_discovery_pod_certificates_total",
    help: "Requests for Pods' certificates, by outcome; taken: another replica answered, error: the answer was not written.",
    labelNames: ["outcome"],
    registers,
  });
}

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new prometheus.Registry();
  const registers = [registry];
  prometheus.collectDefaultMetrics({ register: registry });
  const stream = streamMetrics(registers);
  const server = serverMetrics(registers);
  const podCertificates = podCertificateMetrics(registers);
  new prometheus.Gauge({
    name: "outrigger_build_info",
    help: "The version of this process, as a label of the value 1.",
    labelNames: ["version"],
    registers,
  }).set({ version }, 1);
  certificateMetrics(sources, registers);
  return {
    registry,
    connected: (count) => server.proxies.set(count),
    rejected: (reason) => server.rejections.inc({ reason }),
    sent(kind, bytes) {
      stream.pushes.inc({ kind });
      stream.bytes.inc({ kind }, bytes);
    },
    acknowledged: (kind, seconds) => stream.acknowledgement.observe({ kind }, seconds),
    refused: (kind) => stream.refusals.inc({ kind }),
    updated({ changes, sinceFirstChangeMs, tookMs }) {
      server.changes.inc(changes);
      server.update.observe(tookMs / 1000);
      server.delay.observe(sinceFirstChangeMs / 1000);
    },
    podCertificate: (outcome) => podCertificates.inc({ outcome }),
  };
}
