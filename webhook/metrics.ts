import prometheus from "prom-client";
import { version } from "../mesh/version.ts";
import type { ReviewRecord } from "./review-log.ts";

/** Seconds. Most answers take well below a millisecond; the API server gives up after seconds. */
const durationBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

const patchBuckets = [1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000];

/** What a finished review counts for. */
export interface ReviewMeasure {
  readonly record: ReviewRecord;
  readonly seconds: number;
  readonly repeated: boolean;
}

/** Whether something new was taken over or refused. */
export type LoadResult = "loaded" | "refused";

function reviewMetrics(registers: prometheus.Registry[]) {
  const reviews = new prometheus.Counter({
    name: "outrigger_webhook_reviews_total",
    help: "Answered admission reviews by decision (inject, skip, deny) and the rule that decided.",
    labelNames: ["decision", "rule"],
    registers,
  });
  const repeated = new prometheus.Counter({
    name: "outrigger_webhook_repeated_answers_total",
    help: "Reviews whose answer was that of an earlier Pod of the same template.",
    registers,
  });
  const duration = new prometheus.Histogram({
    name: "outrigger_webhook_review_duration_seconds",
    help: "Time from a review's last byte to its answer.",
    labelNames: ["decision"],
    buckets: durationBuckets,
    registers,
  });
  const patch = new prometheus.Histogram({
    name: "outrigger_webhook_patch_bytes",
    help: "Size of the JSON patches, before base64.",
    buckets: patchBuckets,
    registers,
  });
  const last = new prometheus.Gauge({
    name: "outrigger_webhook_last_review_timestamp_seconds",
    help: "When the API server last had an answer, in seconds since 1970; 0 before the first.",
    registers,
  });
  return ({ record: { decision, rule, patchBytes }, seconds, repeated: again }: ReviewMeasure) => {
    reviews.inc({ decision, rule });
    if (again) repeated.inc();
    duration.observe({ decision }, seconds);
    if (patchBytes > 0) patch.observe(patchBytes);
    last.setToCurrentTime();
  };
}

function loadMetrics(registers: prometheus.Registry[]) {
  const notAfter = new prometheus.Gauge({
    name: "outrigger_webhook_certificate_not_after_timestamp_seconds",
    help: "When the served certificate expires, in seconds since 1970.",
    registers,
  });
  const certificates = new prometheus.Counter({
    name: "outrigger_webhook_certificate_loads_total",
    help: "Certificates that were taken over or refused.",
    labelNames: ["result"],
    registers,
  });
  const generation = new prometheus.Gauge({
    name: "outrigger_webhook_configuration_generation",
    help: "How many configurations were taken over; it stays where it is when a new one is refused.",
    registers,
  });
  const configurations = new prometheus.Counter({
    name: "outrigger_webhook_configuration_loads_total",
    help: "Configurations that were taken over or refused.",
    labelNames: ["result"],
    registers,
  });
  return {
    certificateLoaded(expires: Date) {
      notAfter.set(expires.getTime() / 1000);
      certificates.inc({ result: "loaded" satisfies LoadResult });
    },
    certificateRefused: () => certificates.inc({ result: "refused" satisfies LoadResult }),
    configurationLoaded() {
      generation.inc();
      configurations.inc({ result: "loaded" satisfies LoadResult });
    },
    configurationRefused: () => configurations.inc({ result: "refused" satisfies LoadResult }),
  };
}

/** What is counted at the time of a scrape, by asking. */
export interface LiveCounts {
  readonly connections: () => number;
  readonly requestsInFlight: () => number;
  readonly distrustingRegistrations: () => number;
}

function liveMetrics(registers: prometheus.Registry[]) {
  const gauge = (name: string, help: string, count: () => number) =>
    new prometheus.Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(count());
      },
    });
  return ({ connections, requestsInFlight, distrustingRegistrations }: LiveCounts) => {
    gauge("outrigger_webhook_connections", "Open TLS connections.", connections);
    gauge("outrigger_webhook_requests_in_flight", "Requests that are read or answered right now.", requestsInFlight);
    gauge(
      "outrigger_webhook_distrusting_registrations",
      "Registrations whose caBundle does not accept the served certificate, as far as the webhook knows.",
      distrustingRegistrations,
    );
  };
}

/** Creates the webhook's metrics. They belong to their own registry: several servers can run in one process. */
export function createMetrics() {
  const registry = new prometheus.Registry();
  const registers = [registry];
  prometheus.collectDefaultMetrics({ register: registry });
  const rejected = new prometheus.Counter({
    name: "outrigger_webhook_rejected_requests_total",
    help: "Requests that were not answered by a review, by HTTP status code.",
    labelNames: ["code"],
    registers,
  });
  new prometheus.Gauge({
    name: "outrigger_build_info",
    help: "Always 1; the version stands in the labels.",
    labelNames: ["version"],
    registers,
  }).set({ version }, 1);
  return {
    reviewed: reviewMetrics(registers),
    rejected: (code: number) => rejected.inc({ code }),
    ...loadMetrics(registers),
    watch: liveMetrics(registers),
    contentType: registry.contentType,
    /** The metrics as text for Prometheus. */
    print: () => registry.metrics(),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
