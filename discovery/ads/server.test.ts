import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import {
  ended,
  nextDelta as next,
  podChange,
  sendDelta as send,
  serviceChange,
  startAdsServer,
  type TestAdsServer,
} from "../../test/fixtures/mesh/ads-server.ts";
import type { ControlPlane } from "../control-plane.ts";
import type { Authentication } from "../identity/authentication.ts";
import {
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from "../proto/envoy/service/discovery/v3/discovery_pb.js";
import { typeUrls } from "../translate/resource.ts";

/** A token is the name of its Pod here; real ones have their own tests. */
async function authenticate(token: string): Promise<Authentication> {
  if (token === "bad") return { ok: false, reason: "invalid-token" };
  if (token === "down") return { ok: false, reason: "unavailable" };
  return { ok: true, identity: { namespace: "shop", serviceAccount: "web", pod: { name: token, uid: token } } };
}

describe("the ADS server, against clients of all kinds", () => {
  let server: TestAdsServer;
  let controlPlane: ControlPlane;
  const refused: string[] = [];
  const open: TestAdsServer["open"] = (...given) => server.open(...given);

  before(async () => {
    server = await startAdsServer({
      authenticate,
      pods: ["web-1", "web-2", "web-3", "web-4", "web-5", "web-6", "web-7"],
      events: { onRefused: (_identity, kind, message) => refused.push(`${kind}: ${message}`) },
    });
    controlPlane = server.controlPlane;
  });
  after(() => server.close());

  const node = (name: string) => ({ id: `sidecar~10.0.0.1~${name}.shop~shop.svc.cluster.local` });

  const rejected: readonly (readonly [what: string, header: string | undefined, code: status])[] = [
    ["no token", undefined, status.UNAUTHENTICATED],
    ["another scheme", "Basic abc", status.UNAUTHENTICATED],
    ["an empty token", "Bearer ", status.UNAUTHENTICATED],
    ["a token that is too long", `Bearer ${"x".repeat(20_000)}`, status.UNAUTHENTICATED],
    ["a token that is not valid", "Bearer bad", status.UNAUTHENTICATED],
    ["a token that could not be checked", "Bearer down", status.UNAVAILABLE],
  ];
  for (const [what, header, code] of rejected) {
    it(`does not let in ${what}`, async () => assert.equal(await ended(open(header)), code));
  }

  it("gives a client what it asks for, and only its own secrets", async () => {
    const call = open("Bearer web-1");
    send(call, { typeUrl: typeUrls.clusters, node: node("web-1") });
    const clusters = await next(call);
    assert.deepEqual(
      clusters.resources.map(({ name }) => name),
      ["outbound|80||web.shop.svc.cluster.local"],
    );
    send(call, { typeUrl: typeUrls.secrets, resourceNamesSubscribe: ["default", "ROOTCA", "other"] });
    const secrets = await next(call);
    assert.deepEqual(secrets.resources.map(({ name }) => name).sort(), ["ROOTCA", "default"]);
    assert.deepEqual(secrets.removedResources, ["other"]);
    call.cancel();
  });

  it("ends a stream whose node is another Pod than the token's", async () => {
    const call = open("Bearer web-1");
    send(call, { typeUrl: typeUrls.clusters, node: node("web-2") });
    assert.equal(await ended(call), status.PERMISSION_DENIED);
  });

  it("ends a stream that sends what is no request", async () => {
    const call = open("Bearer web-1");
    call.write(Buffer.from([0xff, 0xff, 0xff]));
    assert.equal(await ended(call), status.INVALID_ARGUMENT);
  });

  it("ends a stream that sends requests without end", async () => {
    const call = open("Bearer web-2");
    const over = ended(call);
    for (let index = 0; index < 6_000; index += 1)
      send(call, { typeUrl: typeUrls.endpoints, resourceNamesSubscribe: ["x"] });
    assert.equal(await over, status.RESOURCE_EXHAUSTED);
  });

  it("ends a stream that asks for names without end", async () => {
    const call = open("Bearer web-2");
    const names = Array.from({ length: 100_001 }, (_, index) => `n${index}`);
    send(call, { typeUrl: typeUrls.endpoints, resourceNamesSubscribe: names });
    assert.equal(await ended(call), status.RESOURCE_EXHAUSTED);
  });

  it("takes a few streams of one Pod and no more", async () => {
    const calls = Array.from({ length: 3 }, () => open("Bearer web-3"));
    for (const call of calls) send(call, { typeUrl: typeUrls.clusters });
    await Promise.all(calls.map(next));
    assert.equal(await ended(open("Bearer web-3")), status.RESOURCE_EXHAUSTED);
    for (const call of calls) call.cancel();
  });

  it("keeps a refusal in the client's words", async () => {
    const call = open("Bearer web-4");
    send(call, { typeUrl: typeUrls.listeners });
    const { nonce } = await next(call);
    send(call, {
      typeUrl: typeUrls.listeners,
      responseNonce: nonce,
      errorDetail: { code: 13, message: "no such filter" },
    });
    send(call, { typeUrl: typeUrls.clusters });
    await next(call);
    const [record] = controlPlane.ads.streams().filter(({ identity }) => identity.pod.name === "web-4");
    assert.equal(record?.stream.record.kinds().listeners.state, "NACK");
    assert.equal(record?.stream.record.kinds().listeners.refused?.message, "no such filter");
    assert.deepEqual(refused, ["listeners: no such filter"]);
    call.cancel();
  });

  it("answers at once for a kind that it has none of", async () => {
    const call = open("Bearer web-5");
    const typeUrl = "type.googleapis.com/envoy.service.runtime.v3.Runtime";
    send(call, { typeUrl, resourceNamesSubscribe: ["a"] });
    assert.deepEqual((await next(call)).removedResources, ["a"]);
    call.cancel();
  });

  it("ends the streams of a Pod that is gone", async () => {
    const call = open("Bearer web-6");
    send(call, { typeUrl: typeUrls.clusters });
    await next(call);
    controlPlane.apply({ ...podChange("web-6"), deleted: true });
    assert.equal(await ended(call), status.PERMISSION_DENIED);
  });

  it("speaks the full variant: all clusters each time, and only what is new of the rest", async () => {
    const call = open("Bearer web-7", "full");
    const ask = (fields: MessageInitShape<typeof DiscoveryRequestSchema>) =>
      call.write(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, fields)));
    const answer = async (): Promise<DiscoveryResponse> => {
      const [bytes] = (await once(call, "data")) as [Uint8Array];
      return fromBinary(DiscoveryResponseSchema, bytes);
    };
    ask({ typeUrl: typeUrls.clusters, node: node("web-7") });
    const first = await answer();
    assert.equal(first.resources.length, 1);
    ask({ typeUrl: typeUrls.clusters, versionInfo: first.versionInfo, responseNonce: first.nonce });
    const names = ["outbound|80||web.shop.svc.cluster.local"];
    ask({ typeUrl: typeUrls.endpoints, resourceNames: names });
    const endpoints = await answer();
    assert.equal(endpoints.typeUrl, typeUrls.endpoints);
    ask({ typeUrl: typeUrls.endpoints, resourceNames: names, responseNonce: endpoints.nonce });
    controlPlane.apply(serviceChange("other"));
    const second = await answer();
    assert.equal(second.resources.length, 2);
    call.cancel();
  });
});
