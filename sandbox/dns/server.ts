import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import dnsPacket, { type DecodedPacket, type Packet, type Question } from "dns-packet";
import { type Resolution, resolve } from "./resolve.ts";
import type { Zone } from "./zone.ts";

const port = 53;
const rcodes = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3 } as const;
/** What a client without EDNS takes, and what we send at most to one with it (RFC 6891, and no fragments). */
const plainUdpBytes = 512;
const largestUdpBytes = 1232;
const tcpIdleMs = 10_000;
const largestQuestionBytes = 4096;

export interface DnsOptions {
  readonly addresses: readonly string[];
  readonly zone: () => Zone;
  /** Told of each question about a name outside of the cluster. */
  readonly onOutside: (name: string, client: string) => void;
}

function reply(query: DecodedPacket, question: Question, { rcode, answers, authorities }: Resolution): Packet {
  const asksEdns = query.additionals?.some((record) => record.type === "OPT") ?? false;
  return {
    type: "response",
    id: query.id ?? 0,
    flags: dnsPacket.AUTHORITATIVE_ANSWER | ((query.flags ?? 0) & dnsPacket.RECURSION_DESIRED) | rcodes[rcode],
    questions: [question],
    answers: [...answers],
    authorities: [...authorities],
    additionals: asksEdns
      ? [
          {
            type: "OPT",
            name: ".",
            udpPayloadSize: largestUdpBytes,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  };
}

function udpLimit(query: DecodedPacket): number {
  const edns = query.additionals?.find((record) => record.type === "OPT");
  if (edns?.type !== "OPT") return plainUdpBytes;
  return Math.min(Math.max(edns.udpPayloadSize, plainUdpBytes), largestUdpBytes);
}

/** Makes one answer; undefined for what is no question. `limit` tells how long it may be. */
function createResponder({ zone, onOutside }: DnsOptions) {
  let turn = 0;
  return (message: Buffer, client: string, limit: (query: DecodedPacket) => number): Buffer | undefined => {
    let query: DecodedPacket;
    try {
      query = dnsPacket.decode(message);
    } catch {
      return undefined;
    }
    const [question] = query.questions ?? [];
    if (question === undefined || query.type !== "query") return undefined;
    turn += 1;
    const resolution = resolve(zone(), question, turn);
    if (resolution.rcode === "SERVFAIL") onOutside(question.name, client);
    const packet = reply(query, question, resolution);
    const encoded = dnsPacket.encode(packet);
    if (encoded.length <= limit(query)) return encoded;
    const flags = (packet.flags ?? 0) | dnsPacket.TRUNCATED_RESPONSE;
    return dnsPacket.encode({ ...packet, flags, answers: [], authorities: [] });
  };
}

type Responder = ReturnType<typeof createResponder>;

async function listenUdp(address: string, respond: Responder): Promise<() => void> {
  const socket = createSocket({ type: address.includes(":") ? "udp6" : "udp4", reuseAddr: true });
  socket.on("message", (message, client) => {
    const answer = respond(message, client.address, udpLimit);
    if (answer !== undefined) socket.send(answer, client.port, client.address, () => undefined);
  });
  socket.bind(port, address);
  await once(socket, "listening");
  socket.on("error", () => undefined);
  return () => void socket.close();
}

/** Over TCP each message comes after its length in two bytes (RFC 1035, 4.2.2). */
function serveTcp(socket: Socket, respond: Responder): void {
  let pending = Buffer.alloc(0);
  socket.setTimeout(tcpIdleMs, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      const answer = respond(pending.subarray(2, end), socket.remoteAddress ?? "", () => 65535);
      pending = pending.subarray(end);
      if (answer === undefined) return void socket.destroy();
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answer.length);
      socket.write(Buffer.concat([length, answer]));
    }
    if (pending.length > largestQuestionBytes) socket.destroy();
  });
}

async function listenTcp(address: string, respond: Responder): Promise<() => void> {
  const server = createServer((socket) => serveTcp(socket, respond));
  server.listen(port, address);
  await once(server, "listening");
  return () => void server.close();
}

/** Serves the zone over UDP and TCP; the function returned ends it. */
export async function serveDns(options: DnsOptions): Promise<() => void> {
  const respond = createResponder(options);
  const listening = options.addresses.flatMap((address) => [listenUdp(address, respond), listenTcp(address, respond)]);
  const closers = await Promise.all(listening);
  return () => {
    for (const close of closers) close();
  };
}
