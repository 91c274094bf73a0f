import type { Server } from "node:https";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Load } from "./limits.ts";

const samplePeriodMs = 1000;
const resolutionMs = 20;

/** Follows what a server carries. */
export interface LoadMeter extends Load {
  readonly requestsInFlight: number;
  /** Counts a request in; the function returned counts it out. */
  readonly enter: (bodyBytes: number) => () => void;
  readonly stop: () => void;
}

/**
 * What the delay is for sure, after each sample: it must have lasted. A single long turn, such as the start's own work or a
 * moment without a processor, is over when it is noticed, and no reason to turn anybody away.
 */
export function lastingDelay(): (sampleMs: number) => number {
  let before = 0;
  return (sampleMs) => {
    const lasting = Math.min(before, sampleMs);
    before = sampleMs;
    return lasting;
  };
}

/** The mean delay of the event loop over the last two seconds, the lesser of the two, without the timer's own resolution. */
function measureEventLoopDelay(): { current: () => number; stop: () => void } {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  const lasting = lastingDelay();
  let delayMs = 0;
  histogram.enable();
  const timer = setInterval(() => {
    delayMs = lasting(Number.isNaN(histogram.mean) ? samplePeriodMs : Math.max(0, histogram.mean / 1e6 - resolutionMs));
    histogram.reset();
  }, samplePeriodMs).unref();
  const stop = () => {
    clearInterval(timer);
    histogram.disable();
  };
  return { current: () => delayMs, stop };
}

export function createLoadMeter(server: Server): LoadMeter {
  let connections = 0;
  let requestsInFlight = 0;
  let bodyBytesInFlight = 0;
  const delay = measureEventLoopDelay();
  server.on("secureConnection", (socket) => {
    connections += 1;
    socket.once("close", () => {
      connections -= 1;
    });
  });
  return {
    get connections() {
      return connections;
    },
    get requestsInFlight() {
      return requestsInFlight;
    },
    get bodyBytesInFlight() {
      return bodyBytesInFlight;
    },
    get eventLoopDelayMs() {
      return delay.current();
    },
    enter(bodyBytes) {
      requestsInFlight += 1;
      bodyBytesInFlight += bodyBytes;
      let inside = true;
      return () => {
        if (!inside) return;
        inside = false;
        requestsInFlight -= 1;
        bodyBytesInFlight -= bodyBytes;
      };
    },
    stop: delay.stop,
  };
}
