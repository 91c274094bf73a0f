import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { after, before, test } from "node:test";
import { readPod } from "../pod/schema.ts";
import { attempt } from "./attempt.ts";
import { failure, success } from "./outcome.ts";

const web = createServer((request, response) => {
  const status = Number(new URL(request.url ?? "/", "http://x").searchParams.get("status") ?? 200);
  if (request.url === "/silent") return;
  response.writeHead(request.headers.host === "other" ? 418 : status).end();
});
/** Answers a gRPC health check for the service that its first letter says: s(erving), n(ot serving), e(rror). */
const health = createHttp2();
health.on("stream", (stream) => {
  const body: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => body.push(chunk));
  stream.on("end", () => {
    const service = Buffer.concat(body).subarray(7).toString();
    const status = service.startsWith("n") ? 2 : 1;
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": service.startsWith("e") ? "5" : "0" }));
    stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, status]));
  });
});

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

let httpPort = 0;
let grpcPort = 0;
before(async () => {
  httpPort = await listen(web);
  grpcPort = await listen(health);
});
after(() => {
  web.close();
  web.closeAllConnections();
  health.close();
});

function containerWith(probe: object) {
  const ports = [{ name: "http", containerPort: httpPort }];
  const spec = { containers: [{ name: "c", ports, readinessProbe: probe }] };
  const [container] = readPod({ metadata: { name: "p", namespace: "n", uid: "u" }, spec }, "Pod").spec.containers;
  assert.ok(container?.readinessProbe);
  return { container, probe: container.readinessProbe };
}

async function ask(written: object, timeoutMs = 1000): Promise<string> {
  const { container, probe } = containerWith(written);
  const exec = async (command: readonly string[]) => (command[0] === "true" ? success : failure("no"));
  const outcome = await attempt(probe, { container, podIp: "127.0.0.1", exec }, timeoutMs);
  return outcome.ok ? "ok" : outcome.message;
}

test("httpGet takes 200 to 399", async () => {
  for (const status of [200, 204, 302, 399])
    assert.equal(await ask({ httpGet: { port: httpPort, path: `/?status=${status}` } }), "ok");
  for (const status of [400, 404, 500])
    assert.match(await ask({ httpGet: { port: "http", path: `/?status=${status}` } }), new RegExp(`${status}`));
});

test("httpGet sends the headers it is given", async () => {
  const httpHeaders = [{ name: "Host", value: "other" }];
  assert.match(await ask({ httpGet: { port: "http", httpHeaders } }), /418/);
});

test("httpGet waits no longer than its timeout", async () => {
  assert.match(await ask({ httpGet: { port: "http", path: "/silent" } }, 50), /within 50 ms/);
});

test("a port name that the container has not is said", async () => {
  assert.match(await ask({ tcpSocket: { port: "sql" } }), /no port named "sql"/);
});

test("tcpSocket takes an open port", async () => {
  assert.equal(await ask({ tcpSocket: { port: httpPort } }), "ok");
  assert.match(await ask({ tcpSocket: { port: 1 } }), /ECONNREFUSED/);
});

test("exec takes a command that succeeds", async () => {
  assert.equal(await ask({ exec: { command: ["true"] } }), "ok");
  assert.equal(await ask({ exec: { command: ["false"] } }), "no");
});

test("grpc takes a service that is serving", async () => {
  const service = (name: string) => ask({ grpc: { port: grpcPort, service: name } });
  assert.equal(await service("s"), "ok");
  assert.equal(await ask({ grpc: { port: grpcPort } }), "ok");
  assert.match(await service("n"), /NOT_SERVING/);
  assert.match(await service("e"), /status 5/);
  assert.match(await ask({ grpc: { port: 1 } }), /ECONNREFUSED/);
});
