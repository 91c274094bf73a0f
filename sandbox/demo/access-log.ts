/** A request as an Envoy's access log tells it; see mesh/envoy/access-log.ts. */
export interface AccessLogEntry {
  readonly startMs: number;
  readonly method: string;
  readonly path: string;
  readonly responseCode: number;
  readonly durationMs: number;
  readonly requestId: string;
  readonly authority: string;
  /** Where Envoy sent it: address and port. */
  readonly upstreamHost: string;
  readonly upstreamCluster: string;
  /** Where it was going: address and port, before it was captured. */
  readonly downstreamLocal: string;
  readonly downstreamRemote: string;
}

const field = String.raw`(\S+)`;
const quoted = `"([^"]*)"`;
const line = new RegExp(
  [
    String.raw`^\[(\S+)\]`,
    String.raw`"(\S+) (\S+) \S+"`,
    String.raw`(\d+) \S+ .*?`,
    quoted,
    String.raw`\d+ \d+ (\d+) \S+`,
    `${quoted} ${quoted} ${quoted} ${quoted}`,
    `${quoted} ${field} ${field}`,
    `${field} ${field}`,
  ].join(" "),
);

/** Reads a line of the access log; undefined for any other line. */
export function parseAccessLog(text: string): AccessLogEntry | undefined {
  const match = line.exec(text);
  if (match === null) return undefined;
  const [, start = "", method = "", path = "", code, , duration, , , requestId = "", authority = "", ...rest] = match;
  const [upstreamHost = "", upstreamCluster = "", , downstreamLocal = "", downstreamRemote = ""] = rest;
  return {
    startMs: Date.parse(start),
    method,
    path,
    responseCode: Number(code),
    durationMs: Number(duration),
    requestId,
    authority,
    upstreamHost,
    upstreamCluster,
    downstreamLocal,
    downstreamRemote,
  };
}
