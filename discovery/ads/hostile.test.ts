import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { fromBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import {
  type Call,
  ended,
  nextDelta as next,
  sendDelta as send,
  serviceChange,
  startAdsServer,
  type TestAdsServer,
} from "../../test/fixtures/mesh/ads-server.ts";
import type { ControlPlane } from "../control-plane.ts";
import {
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from "../proto/envoy/service/discovery/v3/discovery_pb.js";
import { typeUrls } from "../translate/resource.ts";

const limits = { connections: 40, idleOfAddress: 20, idleMs: 500 };

describe("the ADS server, against clients that mean harm", () => {
  let server: TestAdsServer;
  let controlPlane: ControlPlane;
  let root: string;
  let port: number;
  const turnedAway: string[] = [];
  const open = (token: string): Call => server.open(`Bearer ${token}`, "delta", { "grpc.max_send_message_length": -1 });

  before(async () => {
    server = await startAdsServer({
      authenticate: async (token) => ({
        ok: true,
        identity: { namespace: "shop", serviceAccount: "web", pod: { name: token, uid: token } },
      }),
      pods: ["good", "bad"],
      events: { onRejected: (reason) => turnedAway.push(reason) },
      limits,
    });
    ({ controlPlane, root, port } = server);
  });
  after(() => server.close());

  /** Everybody else is served as before. */
  async function othersAreServed(): Promise<void> {
    const call = open("good");
    send(call, { typeUrl: typeUrls.clusters });
    assert.ok((await next(call)).resources.length > 0);
    call.cancel();
  }
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  async function tcp(): Promise<Socket> {
    const socket = connectTcp(port, "127.0.0.1").on("error", () => {});
    await once(socket, "connect");
    return socket;
  }
  async function tls(): Promise<TLSSocket> {
    const socket = connectTls({ host: "127.0.0.1", port, ca: root, servername: "localhost", ALPNProtocols: ["h2"] });
    socket.on("error", () => {});
    await once(socket, "secureConnect");
    return socket;
  }
  const closed = async (socket: Socket) => {
    socket.resume();
    if (!socket.closed) await once(socket, "close");
  };

  const halfOpen: readonly (readonly [what: string, connect: () => Promise<Socket>])[] = [
    ["says nothing", tcp],
    [
      "begins a handshake and stops",
      async () => {
        const socket = await tcp();
        socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
        return socket;
      },
    ],
    [
      "sends what is no TLS",
      async () => {
        const socket = await tcp();
        socket.write("GET / HTTP/1.1\r\nHost: discovery\r\n\r\n");
        return socket;
      },
    ],
    ["shakes hands and says nothing more", tls],
    [
      "sends what is no HTTP/2",
      async () => {
        const socket = await tls();
        socket.write(Buffer.alloc(4096, 0xa5));
        return socket;
      },
    ],
    [
      "opens no stream",
      async () => {
        const socket = await tls();
        socket.write(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1"));
        return socket;
      },
    ],
    [
      "sends frames that make no sense",
      async () => {
        const socket = await tls();
        socket.write(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1"));
        // WINDOW_UPDATE of a stream that is not open, and DATA for it.
        socket.write(Buffer.from([0, 0, 4, 8, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 9, 1, 2]));
        return socket;
      },
    ],
  ];
  for (const [what, connect] of halfOpen) {
    it(`does not keep the connection of one who ${what}`, async () => {
      const socket = await connect();
      await othersAreServed();
      await closed(socket);
    });
  }

  it("takes so many connections of one address that carry no stream, and no more", async () => {
    const seen = turnedAway.length;
    const sockets = await Promise.all(Array.from({ length: limits.idleOfAddress + 5 }, tcp));
    await Promise.all(sockets.map(closed));
    // A connection that another test has just done with may still take a place.
    const count = (why: string) => turnedAway.slice(seen).filter((reason) => reason === why).length;
    assert.ok(count("too-many-connections") >= 5, `${count("too-many-connections")} were refused`);
    assert.ok(count("no-stream") >= limits.idleOfAddress / 2, `${count("no-stream")} were taken`);
    await othersAreServed();
  });

  it("lets a connection with a stream stay, and not one whose stream has ended", async () => {
    const call = open("bad");
    send(call, { typeUrl: typeUrls.clusters });
    const { nonce } = await next(call);
    const stranger = await tls();
    await closed(stranger);
    send(call, { typeUrl: typeUrls.clusters, responseNonce: nonce });
    controlPlane.apply(serviceChange("later"));
    assert.equal((await next(call)).resources.length, 1, "it outlived the time that a stranger has");
    const seen = turnedAway.length;
    call.cancel();
    await until(() => turnedAway.length > seen);
    assert.equal(turnedAway.at(-1), "no-stream");
  });

  it("reads a node that says very much, and refuses a message that is too large", async () => {
    const call = open("bad");
    const about = (bytes: number) => ({ node: { metadata: { fields: { NAME: text("x".repeat(bytes)) } } } });
    const text = (value: string) => ({ kind: { case: "stringValue" as const, value } });
    send(call, { typeUrl: typeUrls.clusters, ...about(8 * 1024 * 1024) });
    assert.ok((await next(call)).resources.length > 0);
    send(call, { typeUrl: typeUrls.listeners, ...about(17 * 1024 * 1024) });
    assert.equal(await ended(call), status.RESOURCE_EXHAUSTED);
    await othersAreServed();
  });

  it("ends a stream that sends more bytes than anybody needs", async () => {
    const call = open("bad");
    const over = ended(call);
    const names = [`${"x".repeat(8 * 1024 * 1024)}`];
    for (let index = 0; index < 9; index += 1) {
      send(call, { typeUrl: typeUrls.endpoints, resourceNamesSubscribe: names, resourceNamesUnsubscribe: names });
    }
    assert.equal(await over, status.RESOURCE_EXHAUSTED);
    await othersAreServed();
  });

  it("holds one response of a kind for a client that never acknowledges", async () => {
    const call = open("bad");
    const responses: DeltaDiscoveryResponse[] = [];
    send(call, { typeUrl: typeUrls.clusters });
    responses.push(await next(call));
    call.on("data", (bytes: Uint8Array) => responses.push(fromBinary(DeltaDiscoveryResponseSchema, bytes)));
    const watcher = open("good");
    send(watcher, { typeUrl: typeUrls.clusters });
    for (let index = 0; index < 20; index += 1) {
      const { nonce } = await next(watcher);
      send(watcher, { typeUrl: typeUrls.clusters, responseNonce: nonce });
      controlPlane.apply(serviceChange(`new-${index}`));
    }
    await next(watcher);
    watcher.cancel();
    assert.equal(responses.length, 1);
    send(call, { typeUrl: typeUrls.clusters, responseNonce: responses[0]?.nonce ?? "" });
    while (responses.length < 2) await once(call, "data");
    assert.equal(responses[1]?.resources.length, 20, "what came in the meantime comes as one");
    call.cancel();
  });
});
