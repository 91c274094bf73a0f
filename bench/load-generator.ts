/**
 * Sends one HTTP request over and over on loopback, one at a time on each of its TLS connections, and prints what it
 * measured as JSON. A process of its own, so that it costs the server nothing; as little code a request as can be, so
 * that it is not what is measured. It ends by itself.
 *
 *   node bench/load-generator.ts '{"port":15017,"ca":"…PEM…","connections":16,"seconds":5,"path":"/inject","body":"…","fresh":[]}'
 */
import { connect, type TLSSocket } from "node:tls";

/** What to send, and for how long. */
export interface LoadOrder {
  readonly port: number;
  readonly ca: string;
  readonly connections: number;
  readonly seconds: number;
  readonly path: string;
  readonly body: string;
  /** Words of the body in whose places each request has a number of its own. */
  readonly fresh: readonly string[];
}

/** What came of it. Milliseconds; the quantiles are over all requests. */
export interface LoadReport {
  readonly connections: number;
  readonly requests: number;
  readonly failed: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

const longestFresh = 64;
/** Requests of all connections. */
let sent = 0;

const endOfHead = Buffer.from("\r\n\r\n");

/** The length of the first answer in `bytes`, or 0 while its head is not complete. */
function answerLength(bytes: Buffer): number {
  const head = bytes.indexOf(endOfHead);
  if (head < 0) return 0;
  const length = /content-length: (\d+)/i.exec(bytes.toString("latin1", 0, head))?.[1];
  return head + endOfHead.length + Number(length);
}

/** Collects one answer after the other. `add` returns whether an answer is complete with this chunk. */
function createAnswerReader() {
  let received = 0;
  let expected = 0;
  let start: Buffer[] = [];
  return {
    ok: () => start[0]?.toString("latin1", 9, 12) === "200",
    add(chunk: Buffer): boolean {
      received += chunk.length;
      if (expected === 0) {
        start.push(chunk);
        expected = answerLength(start.length === 1 ? chunk : Buffer.concat(start));
      }
      return expected > 0 && received >= expected;
    },
    next() {
      [received, expected, start] = [0, 0, []];
    },
  };
}

/** A request whose fresh words are overwritten with a new number each time that it is asked for. */
function numberedRequest(text: string, fresh: readonly string[]): () => Buffer {
  const request = Buffer.from(text);
  const places = fresh.flatMap((word) => {
    const starts: number[] = [];
    for (let at = request.indexOf(word); at >= 0; at = request.indexOf(word, at + 1)) starts.push(at);
    return starts.map((start) => ({ start, length: word.length }));
  });
  return () => {
    sent += 1;
    const digits = String(sent).padStart(longestFresh, "0");
    for (const { start, length } of places) request.write(digits.slice(-length), start, "latin1");
    return request;
  };
}

/** Sends on one connection until `deadline`, and writes down how long each answer took. Returns how many failed. */
async function sendOn(socket: TLSSocket, request: () => Buffer, deadline: number, times: number[]): Promise<number> {
  let failed = 0;
  const reader = createAnswerReader();
  await new Promise<void>((done, fail) => {
    let start = performance.now();
    socket.on("data", (chunk: Buffer) => {
      if (!reader.add(chunk)) return;
      const now = performance.now();
      times.push(now - start);
      if (!reader.ok()) failed += 1;
      if (now >= deadline) return done();
      reader.next();
      start = now;
      socket.write(request());
    });
    socket.once("error", fail).once("close", done);
    socket.write(request());
  });
  socket.destroy();
  return failed;
}

function open(port: number, ca: string): Promise<TLSSocket> {
  return new Promise((opened, fail) => {
    const socket = connect({ host: "127.0.0.1", port, ca, servername: "localhost" });
    socket.setNoDelay(true).once("error", fail);
    socket.once("secureConnect", () => opened(socket));
  });
}

async function generate({ port, ca, connections, seconds, path, body, fresh }: LoadOrder): Promise<LoadReport> {
  const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
  const request = `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port, ca)));
  const times: number[] = [];
  const start = performance.now();
  const deadline = start + seconds * 1000;
  const failures = await Promise.all(
    sockets.map((socket) => sendOn(socket, numberedRequest(request, fresh), deadline, times)),
  );
  const tookSeconds = (performance.now() - start) / 1000;
  times.sort((one, other) => one - other);
  const quantile = (share: number) =>
    Number((times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(3));
  return {
    connections,
    requests: times.length,
    failed: failures.reduce((sum, one) => sum + one, 0),
    perSecond: Math.round(times.length / tookSeconds),
    p50: quantile(0.5),
    p90: quantile(0.9),
    p99: quantile(0.99),
    max: quantile(1),
  };
}

process.stdout.write(`${JSON.stringify(await generate(JSON.parse(process.argv[2] ?? "{}")))}\n`);
