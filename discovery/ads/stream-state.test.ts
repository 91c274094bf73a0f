import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createResourceSet, type ResourceSet } from "../resources/resource-set.ts";
import { encodedResource, type ResourceKind, resourceKinds } from "../translate/resource.ts";
import { type Outgoing, openStream, type StreamState, settle, subscribe, takeOutgoing } from "./stream-state.ts";

const resource = (kind: ResourceKind, name: string, content = "1") =>
  encodedResource(kind, name, new TextEncoder().encode(content));

function mesh(content: Partial<Record<ResourceKind, readonly string[]>> = {}) {
  const sets = Object.fromEntries(
    resourceKinds.map((kind) => [kind, createResourceSet((content[kind] ?? []).map((name) => resource(kind, name)))]),
  ) as Record<ResourceKind, ResourceSet>;
  const sources = Object.fromEntries(resourceKinds.map((kind) => [kind, [sets[kind]]])) as Record<
    ResourceKind,
    ResourceSet[]
  >;
  return { sets, state: openStream(sources) };
}

const ask = (state: StreamState, kind: ResourceKind, names: readonly string[] = [], had: [string, string][] = []) =>
  subscribe(state, kind, { subscribe: names, unsubscribe: [], had: new Map(had) });

function due(state: StreamState, now = 0): readonly Outgoing[] {
  const outgoing = takeOutgoing(state, now);
  assert.notEqual(outgoing, "too-far-behind");
  return outgoing as readonly Outgoing[];
}

const text = (outgoing: readonly Outgoing[]) =>
  outgoing.map(({ kind, changed, removed }) =>
    [kind, ...changed.map(({ name }) => `+${name}`), ...removed.map((name) => `-${name}`)].join(" "),
  );

function acknowledge(state: StreamState, outgoing: readonly Outgoing[]): void {
  for (const { kind, nonce } of outgoing) assert.ok(settle(state, kind, nonce));
}

/** A client that asks for all and acknowledges all, up to date. */
function connected(content: Partial<Record<ResourceKind, readonly string[]>>) {
  const { sets, state } = mesh(content);
  ask(state, "clusters");
  acknowledge(state, due(state));
  ask(state, "endpoints", content.endpoints ?? []);
  acknowledge(state, due(state));
  ask(state, "listeners");
  acknowledge(state, due(state));
  ask(state, "routes", content.routes ?? []);
  acknowledge(state, due(state));
  assert.deepEqual(due(state), []);
  return { sets, state };
}

describe("a stream", () => {
  it("answers the first wildcard request even with nothing", () => {
    const { state } = mesh();
    ask(state, "clusters");
    assert.deepEqual(text(due(state)), ["clusters"]);
  });

  it("says that a name it is asked for does not exist", () => {
    const { state } = mesh({ endpoints: ["a"] });
    ask(state, "endpoints", ["a", "b"]);
    assert.deepEqual(text(due(state)), ["endpoints +a -b"]);
  });

  it("sends only what the client of an earlier stream does not have, and what is gone", () => {
    const { state } = mesh({ clusters: ["a", "b"] });
    const version = resource("clusters", "a").version;
    ask(
      state,
      "clusters",
      [],
      [
        ["a", version],
        ["b", "old"],
        ["c", "old"],
      ],
    );
    assert.deepEqual(text(due(state)), ["clusters +b"]);
    acknowledge(state, [{ kind: "clusters", nonce: "1", changed: [], removed: [] }]);
    assert.deepEqual(text(due(state)), ["clusters -c"]);
  });

  it("sends nothing to a client that has it all", () => {
    const { state } = mesh({ clusters: ["a"] });
    ask(state, "clusters", [], [["a", resource("clusters", "a").version]]);
    assert.deepEqual(due(state), []);
  });

  it("sends only what changed, once", () => {
    const { sets, state } = connected({ endpoints: ["a", "b"], clusters: ["a", "b"] });
    sets.endpoints.update([resource("endpoints", "b", "2")]);
    const outgoing = due(state);
    assert.deepEqual(text(outgoing), ["endpoints +b"]);
    assert.deepEqual(due(state), []);
    acknowledge(state, outgoing);
    assert.deepEqual(due(state), []);
  });

  it("does not tell of names that nobody asked for", () => {
    const { sets, state } = connected({ endpoints: ["a"], clusters: ["a"] });
    sets.endpoints.update([resource("endpoints", "other")]);
    assert.deepEqual(due(state), []);
  });

  it("waits for an answer before the next of the same kind, and then sends the newest", () => {
    const { sets, state } = connected({ endpoints: ["a"], clusters: ["a"] });
    sets.endpoints.update([resource("endpoints", "a", "2")]);
    const first = due(state);
    sets.endpoints.update([resource("endpoints", "a", "3")]);
    sets.endpoints.update([resource("endpoints", "a", "4")]);
    assert.deepEqual(due(state), []);
    acknowledge(state, first);
    const [second] = due(state);
    assert.equal(second?.changed[0]?.version, resource("endpoints", "a", "4").version);
  });

  it("does not send again what was refused, until it changes", () => {
    const { sets, state } = connected({ clusters: ["a"], endpoints: ["a"] });
    sets.endpoints.update([resource("endpoints", "a", "bad")]);
    acknowledge(state, due(state));
    assert.deepEqual(due(state), []);
    sets.endpoints.update([resource("endpoints", "a", "good")]);
    assert.deepEqual(text(due(state)), ["endpoints +a"]);
  });

  it("makes before it breaks: a route waits until the new cluster has its endpoints", () => {
    const { sets, state } = connected({ clusters: ["old"], endpoints: ["old"], routes: ["80"], listeners: ["l"] });
    sets.clusters.update([resource("clusters", "new")], ["old"]);
    sets.endpoints.update([resource("endpoints", "new")]);
    sets.routes.update([resource("routes", "80", "to new")]);
    const clusters = due(state, 1000);
    assert.deepEqual(text(clusters), ["clusters +new"]);
    acknowledge(state, clusters);
    assert.deepEqual(due(state, 1001), []);
    ask(state, "endpoints", ["new"]);
    assert.deepEqual(text(due(state, 1002)), ["endpoints +new", "routes +80", "clusters -old"]);
  });

  it("does not wait for ever for a client that never asks for a cluster's endpoints", () => {
    const { sets, state } = connected({ routes: ["80"] });
    sets.endpoints.update([resource("endpoints", "new")]);
    sets.clusters.update([resource("clusters", "new")]);
    sets.routes.update([resource("routes", "80", "2")]);
    acknowledge(state, due(state, 1000));
    assert.deepEqual(due(state, 2000), []);
    assert.deepEqual(text(due(state, 3001)), ["routes +80"]);
  });

  it("sends a changed cluster's endpoints again: Envoy warms it anew", () => {
    const { sets, state } = connected({ clusters: ["a"], endpoints: ["a"] });
    sets.clusters.update([resource("clusters", "a", "2")]);
    assert.deepEqual(text(due(state)), ["clusters +a", "endpoints +a"]);
  });

  it("keeps a cluster that comes back before it was removed", () => {
    const { sets, state } = connected({ clusters: ["a"], routes: ["80"] });
    sets.clusters.update([resource("clusters", "b")], ["a"]);
    const outgoing = due(state);
    assert.deepEqual(text(outgoing), ["clusters +b"]);
    sets.clusters.update([resource("clusters", "a")]);
    acknowledge(state, outgoing);
    assert.deepEqual(text(due(state)), ["clusters +a"]);
  });

  it("answers a name that is asked for again", () => {
    const { state } = connected({ clusters: ["a"], endpoints: ["a"] });
    ask(state, "endpoints", ["a"]);
    assert.deepEqual(text(due(state)), ["endpoints +a"]);
  });

  it("forgets a name that is no longer asked for", () => {
    const { sets, state } = connected({ clusters: ["a"], endpoints: ["a"] });
    subscribe(state, "endpoints", { subscribe: [], unsubscribe: ["a"], had: new Map() });
    sets.endpoints.update([resource("endpoints", "a", "2")]);
    assert.deepEqual(due(state), []);
  });

  it("splits what is too large for one message, and counts it as told when all is answered", () => {
    const { sets, state } = mesh();
    const large = "x".repeat(600_000);
    sets.clusters.update(["a", "b", "c"].map((name) => resource("clusters", name, large)));
    ask(state, "clusters");
    const outgoing = due(state);
    assert.deepEqual(text(outgoing), ["clusters +a", "clusters +b", "clusters +c"]);
    sets.clusters.update([resource("clusters", "d")]);
    acknowledge(state, outgoing.slice(0, 2));
    assert.deepEqual(due(state), []);
    acknowledge(state, outgoing.slice(2));
    assert.deepEqual(text(due(state)), ["clusters +d"]);
  });

  it("gives up on a client that is too far behind", () => {
    const { sets, state } = connected({ clusters: ["a"], endpoints: ["a"] });
    for (let index = 0; index < 300; index += 1) sets.endpoints.update([resource("endpoints", "a", String(index))]);
    assert.equal(takeOutgoing(state, 0), "too-far-behind");
  });

  it("ignores an answer to a response that it did not send", () => {
    const { state } = connected({ clusters: ["a"] });
    assert.equal(settle(state, "clusters", "77"), undefined);
  });
});

describe("property: after any changes and answers in any order, the client has what the mesh has", () => {
  const change = fc.record({
    kind: fc.constantFrom<ResourceKind>("clusters", "listeners"),
    name: fc.constantFrom("a", "b", "c"),
    content: fc.option(fc.constantFrom("1", "2", "3")),
    answer: fc.boolean(),
  });
  it("holds", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const { sets, state } = mesh();
        ask(state, "clusters");
        ask(state, "listeners");
        const client = new Map<string, string>();
        const unanswered: Outgoing[] = [];
        const deliver = () => {
          for (const outgoing of due(state)) {
            for (const { name, version } of outgoing.changed) client.set(`${outgoing.kind}/${name}`, version);
            for (const name of outgoing.removed) client.delete(`${outgoing.kind}/${name}`);
            unanswered.push(outgoing);
          }
        };
        for (const { kind, name, content, answer } of changes) {
          if (content === null) sets[kind].update([], [name]);
          else sets[kind].update([resource(kind, name, content)]);
          deliver();
          if (answer) acknowledge(state, unanswered.splice(0));
          deliver();
        }
        for (let round = 0; round < 4; round += 1) {
          acknowledge(state, unanswered.splice(0));
          deliver();
        }
        const expected = (["clusters", "listeners"] as const).flatMap((kind) =>
          [...sets[kind].values()].map(({ name, version }) => [`${kind}/${name}`, version] as const),
        );
        assert.deepEqual(client, new Map(expected.sort().map((entry) => entry)));
      }),
    );
  });
});
