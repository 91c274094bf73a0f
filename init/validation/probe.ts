import { randomBytes } from "node:crypto";
import { connect, createServer, type Server } from "node:net";
import { formatAddress, type IpFamily } from "../../mesh/address.ts";
import { formatEndpoint } from "../../mesh/redirect/trace/packet.ts";
import type { CaptureProbe } from "./plan.ts";

/** What a probe showed. */
export type ProbeResult =
  | { readonly captured: true; readonly how: string }
  | { readonly captured: false; readonly why: string }
  /** Nothing was sent: there is no route to where it would go, and NAT comes after routing. */
  | { readonly captured: "unknown"; readonly why: string };

/** How connecting ends where the Pod has no route. */
const unrouted: readonly string[] = ["ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL"];

function notCaptured(to: string, outcome: string): ProbeResult {
  const why = `${to}: ${outcome}`;
  return unrouted.includes(outcome) ? { captured: "unknown", why } : { captured: false, why };
}

const loopback: Readonly<Record<IpFamily, string>> = { IPv4: "127.0.0.1", IPv6: "::1" };

/** How long a connection that TPROXY must take is awaited where it must not arrive. */
const diversionMs = 1000;

/** A listener that tells when a token arrives. Undefined where somebody listens there already. */
interface Listener {
  readonly arrival: Promise<void>;
  readonly close: () => void;
}

function listen(host: string, port: number, token: string): Promise<Listener | undefined> {
  return new Promise((resolve, reject) => {
    let arrived: () => void = () => {};
    const arrival = new Promise<void>((done) => {
      arrived = done;
    });
    const server: Server = createServer((socket) => {
      let text = "";
      socket.on("error", () => socket.destroy());
      socket.on("data", (data: Buffer) => {
        text += data.toString();
        if (text === token) arrived();
        if (text.length >= token.length) socket.destroy();
      });
    });
    server.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen({ host, port }, () => resolve({ arrival, close: () => server.close() }));
  });
}

/** Connects and sends the token. Resolves to what came of the connection. */
function send(probe: CaptureProbe, token: string, timeoutMs: number): { outcome: Promise<string>; close: () => void } {
  const { address, port } = probe.destination;
  const socket = connect({ host: formatAddress(address), port });
  const outcome = new Promise<string>((resolve) => {
    socket.setTimeout(timeoutMs, () => resolve(`no answer within ${timeoutMs} ms`));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on("connect", () => {
      socket.write(token);
      resolve("connected");
    });
  });
  return { outcome, close: () => socket.destroy() };
}

function timeout(ms: number): { reached: Promise<"timeout">; clear: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const reached = new Promise<"timeout">((resolve) => {
    timer = setTimeout(() => resolve("timeout"), ms);
  });
  return { reached, clear: () => clearTimeout(timer) };
}

/** Awaits the token where rules turn the connection to. */
async function proveArrival(probe: CaptureProbe, timeoutMs: number): Promise<ProbeResult> {
  const token = randomBytes(16).toString("hex");
  const to = formatEndpoint(probe.destination);
  const listener = await listen(loopback[probe.family], probe.port, token);
  const sent = send(probe, token, timeoutMs);
  const limit = timeout(timeoutMs);
  try {
    const outcome = await sent.outcome;
    if (listener === undefined) {
      // The proxy is up. Nobody but a capturing proxy answers for an address of documentation, or on our probe port.
      if (outcome === "connected") return { captured: true, how: `the proxy answered for ${to}` };
      return { captured: false, why: `${to}: ${outcome}, while port ${probe.port} is taken` };
    }
    if (outcome !== "connected") return notCaptured(to, outcome);
    const arrived = await Promise.race([listener.arrival.then(() => "arrived" as const), limit.reached]);
    if (arrived === "arrived") return { captured: true, how: `${to} arrived at port ${probe.port}` };
    return { captured: false, why: `${to} connected to somebody else than port ${probe.port}` };
  } finally {
    limit.clear();
    sent.close();
    listener?.close();
  }
}

/** Awaits the token where it was sent to: with TPROXY it must not arrive there. */
async function proveDiversion(probe: CaptureProbe, timeoutMs: number): Promise<ProbeResult> {
  const token = randomBytes(16).toString("hex");
  const { address, port } = probe.destination;
  const to = formatEndpoint(probe.destination);
  const listener = await listen(formatAddress(address), port, token);
  if (listener === undefined) return { captured: false, why: `${to} is taken: choose another --iptables-probe-port` };
  const sent = send(probe, token, timeoutMs);
  const limit = timeout(Math.min(diversionMs, timeoutMs));
  try {
    const arrived = await Promise.race([listener.arrival.then(() => "arrived" as const), limit.reached]);
    if (arrived === "arrived") return { captured: false, why: `${to} arrived there` };
    return { captured: true, how: `TPROXY took ${to}` };
  } finally {
    limit.clear();
    sent.close();
    listener.close();
  }
}

/** Makes the connection and says whether it was captured. */
export function runProbe(probe: CaptureProbe, timeoutMs: number): Promise<ProbeResult> {
  return probe.proof === "arrives" ? proveArrival(probe, timeoutMs) : proveDiversion(probe, timeoutMs);
}
