import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { DeltaDiscoveryRequestSchema } from "../proto/envoy/service/discovery/v3/discovery_pb.js";
import { createStream } from "./stream.ts";

test("a client that asks for what nobody has, and does not read the answers, is let go before they fill the memory", () => {
  let isTaking = false;
  let sentBytes = 0;
  const ends: string[] = [];
  const noSources = { clusters: [], endpoints: [], listeners: [], routes: [], virtualHosts: [], secrets: [] };
  const stream = createStream("delta", "web.shop", () => noSources, {
    send(bytes) {
      sentBytes += bytes.length;
      return isTaking;
    },
    end: (why) => ends.push(why),
    onSent() {},
    onAcknowledged() {},
    onRefused() {},
  });
  const typeUrl = "type.googleapis.com/envoy.service.runtime.v3.Runtime";
  const resourceNamesSubscribe = ["x".repeat(100_000)];
  const request = toBinary(
    DeltaDiscoveryRequestSchema,
    create(DeltaDiscoveryRequestSchema, { typeUrl, resourceNamesSubscribe }),
  );
  const ask = (times: number) => {
    for (let index = 0; index < times; index += 1) stream.receive(request);
  };
  ask(10);
  assert.deepEqual(ends, []);
  isTaking = true;
  stream.resume();
  ask(100);
  assert.deepEqual(ends, [], "one who reads may ask");
  isTaking = false;
  ask(100);
  assert.deepEqual(ends, ["too-far-behind"]);
  assert.ok(sentBytes < 13_000_000, `${sentBytes} bytes`);
});
