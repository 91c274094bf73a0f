import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from "../proto/envoy/service/discovery/v3/discovery_pb.js";
import { createResourceSet, type ResourceSet } from "../resources/resource-set.ts";
import { encodedResource, type ResourceKind, resourceKinds } from "../translate/resource.ts";
import { readDelta, readFull } from "./request.ts";
import { type Outgoing, openStream, settle, subscribe, takeOutgoing } from "./stream-state.ts";

const resource = (kind: ResourceKind, name: string, content = "1") =>
  encodedResource(kind, name, new TextEncoder().encode(content));

/** A client with the table of port 80, whose virtual hosts are resources of their own. */
function client() {
  const sets = Object.fromEntries(resourceKinds.map((kind) => [kind, createResourceSet()])) as Record<
    ResourceKind,
    ResourceSet
  >;
  sets.routes.update([resource("routes", "80")]);
  sets.virtualHosts.update([resource("virtualHosts", "80/rest"), resource("virtualHosts", "80/web")]);
  const sources = Object.fromEntries(resourceKinds.map((kind) => [kind, [sets[kind]]]));
  const state = openStream(sources as unknown as Parameters<typeof openStream>[0]);
  const ask = (kind: ResourceKind, ...names: string[]) =>
    subscribe(state, kind, { subscribe: names, unsubscribe: [], had: new Map() });
  const due = (): readonly Outgoing[] => {
    const outgoing = takeOutgoing(state, 0);
    assert.notEqual(outgoing, "too-far-behind");
    return outgoing as readonly Outgoing[];
  };
  const acknowledge = (outgoing: readonly Outgoing[]) => {
    for (const { kind, nonce } of outgoing) assert.ok(settle(state, kind, nonce));
  };
  return { sets, ask, due, acknowledge };
}

/** The same, once it has everything. */
function upToDate() {
  const fresh = client();
  fresh.ask("routes", "80");
  fresh.acknowledge(fresh.due());
  fresh.ask("virtualHosts");
  fresh.acknowledge(fresh.due());
  return fresh;
}

const named = (outgoing: readonly Outgoing[]) =>
  outgoing.map(({ kind, changed, removed }) =>
    [kind, ...changed.map(({ name }) => `+${name}`).sort(), ...removed.map((name) => `-${name}`)].join(" "),
  );

describe("virtual hosts of their own on a stream", () => {
  it("wait until the client has acknowledged their table", () => {
    const { ask, due, acknowledge } = client();
    ask("routes", "80");
    const table = due();
    ask("virtualHosts");
    assert.deepEqual(due(), [], "Envoy would drop what comes before its table");
    acknowledge(table);
    assert.deepEqual(named(due()), ["virtualHosts +80/rest +80/web"]);
  });

  it("of a later table come without being asked for, once that is acknowledged, and no others with them", () => {
    const { sets, ask, due, acknowledge } = upToDate();
    sets.routes.update([resource("routes", "8080")]);
    sets.virtualHosts.update([resource("virtualHosts", "8080/rest")]);
    assert.deepEqual(due(), [], "the client has no such table");
    ask("routes", "8080");
    const table = due();
    assert.deepEqual(named(table), ["routes +8080"]);
    acknowledge(table);
    assert.deepEqual(named(due()), ["virtualHosts +8080/rest"]);
  });

  it("come again with their table when that is sent again", () => {
    const { sets, due, acknowledge } = upToDate();
    sets.routes.update([resource("routes", "80", "2")]);
    acknowledge(due());
    assert.deepEqual(named(due()), ["virtualHosts +80/rest +80/web"]);
  });

  it("travel one by one", () => {
    const { sets, due } = upToDate();
    sets.virtualHosts.update([resource("virtualHosts", "80/new")], ["80/web"]);
    assert.deepEqual(named(due()), ["virtualHosts +80/new -80/web"]);
  });
});

const envoy = (majorNumber: number, minorNumber: number, userAgentName = "envoy") => ({
  userAgentName,
  userAgentVersionType: {
    case: "userAgentBuildVersion" as const,
    value: { version: { majorNumber, minorNumber } },
  },
});

const clients: readonly (readonly [who: string, node: ReturnType<typeof envoy> | undefined, tables: string])[] = [
  ["Envoy 1.40", envoy(1, 40), "delegated"],
  ["a later Envoy", envoy(1, 41), "delegated"],
  ["a much later Envoy", envoy(2, 0), "delegated"],
  ["an earlier Envoy", envoy(1, 39), "whole"],
  ["another program", envoy(1, 40, "curl"), "whole"],
  ["one that does not say", undefined, "whole"],
];
for (const [who, node, tables] of clients) {
  it(`${who} takes ${tables} tables, and whole ones in the full variant`, () => {
    const fields = node === undefined ? {} : { node };
    assert.equal(readDelta(create(DeltaDiscoveryRequestSchema, fields)).tables, tables);
    assert.equal(readFull(create(DiscoveryRequestSchema, fields), undefined)?.tables, "whole");
  });
}
