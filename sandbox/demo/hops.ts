import { ports } from "../../mesh/ports.ts";
import type { StatusAnswer } from "../supervisor/messages.ts";
import type { AccessLogEntry } from "./access-log.ts";

/** One passage of a request through a sidecar. */
export interface Hop {
  /** The workload whose sidecar it is. */
  readonly at: string;
  readonly direction: "outbound" | "inbound";
  /** Outbound: whom it was sent to. Inbound: whom it came from. A name if it is known, else the address. */
  readonly peer: string;
  readonly responseCode: number;
  readonly durationMs: number;
  readonly startMs: number;
}

/** The sidecar's port that the request was captured on. */
export function capturePort({ direction }: Hop): number {
  return direction === "outbound" ? ports.outbound : ports.inbound;
}

/** `front` for the Pods of Deployment front: who an address belongs to, Pods and Services alike. */
export function namesOf({ pods, services }: StatusAnswer): ReadonlyMap<string, string> {
  return new Map([
    ...services.flatMap(({ name, clusterIps }) => clusterIps.map((ip): [string, string] => [ip, name])),
    ...pods.flatMap(({ workload, ips }) => ips.map((ip): [string, string] => [ip, workloadName(workload)])),
  ]);
}

export function workloadName(workload: string): string {
  return workload.slice(workload.indexOf("/") + 1);
}

function addressOf(hostAndPort: string): string {
  return hostAndPort.slice(0, hostAndPort.lastIndexOf(":")).replaceAll(/[[\]]/g, "");
}

/** The hop that an access log entry of the sidecar of `at` tells of. */
export function hopOf(at: string, entry: AccessLogEntry, names: ReadonlyMap<string, string>): Hop {
  const direction = /^inbound/i.test(entry.upstreamCluster) ? "inbound" : "outbound";
  const address = addressOf(direction === "inbound" ? entry.downstreamRemote : entry.upstreamHost);
  const peer = names.get(address) ?? address;
  const { responseCode, durationMs, startMs } = entry;
  return { at, direction, peer, responseCode, durationMs, startMs };
}

/** Whether `next` comes right after `hop`: out of one sidecar into the next, or in and out of the same. */
function follows(hop: Hop, next: Hop): boolean {
  if (hop.direction === "inbound") return next.direction === "outbound" && next.at === hop.at;
  return next.direction === "inbound" && next.peer === hop.at;
}

/** The hops of one request, in the order in which it passed them. */
export function orderHops(hops: readonly Hop[]): Hop[] {
  const left = [...hops].sort((one, other) => one.startMs - other.startMs);
  const ordered: Hop[] = [];
  while (left.length > 0) {
    const last = ordered.at(-1);
    const next = last === undefined ? -1 : left.findIndex((hop) => follows(last, hop));
    const first = left.findIndex((hop) => !left.some((other) => other !== hop && follows(other, hop)));
    ordered.push(...left.splice(next >= 0 ? next : Math.max(0, first), 1));
  }
  return ordered;
}
