import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type PortHints, type Protocol, portProtocol } from "./protocol.ts";

const cases: readonly (readonly [Partial<PortHints>, Protocol])[] = [
  [{ name: "http" }, "http"],
  [{ name: "http-api" }, "http"],
  [{ name: "HTTP-api" }, "http"],
  [{ name: "httpx" }, "auto"],
  [{ name: "http2-api" }, "http2"],
  [{ name: "grpc" }, "grpc"],
  [{ name: "grpc-web-front" }, "http"],
  [{ name: "https" }, "tls"],
  [{ name: "tls-db" }, "tls"],
  [{ name: "tcp-db" }, "tcp"],
  [{ name: "redis" }, "tcp"],
  [{ name: "" }, "auto"],
  [{ name: "http", appProtocol: "tcp" }, "tcp"],
  [{ name: "http", appProtocol: "something" }, "http"],
  [{ appProtocol: "kubernetes.io/h2c" }, "http2"],
  [{ appProtocol: "kubernetes.io/ws" }, "http"],
  [{ transport: "UDP", name: "http" }, "udp"],
  [{ transport: "SCTP" }, "tcp"],
  [{ port: 3306 }, "tcp"],
  [{ port: 3306, name: "http" }, "http"],
  [{ name: "constructor" }, "auto"],
];

describe("portProtocol", () => {
  for (const [hints, protocol] of cases) {
    it(`${JSON.stringify(hints)} is ${protocol}`, () => {
      assert.equal(portProtocol({ port: 9000, ...hints }), protocol);
    });
  }
});
