import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodedResource } from "../translate/resource.ts";
import { createResourceSet } from "./resource-set.ts";

const resource = (name: string, content: string) =>
  encodedResource("clusters", name, new TextEncoder().encode(content));

describe("a resource set", () => {
  it("counts a generation for what differs, and none for what does not", () => {
    const set = createResourceSet([resource("a", "1")]);
    assert.equal(set.generation, 1);
    assert.equal(set.update([resource("a", "1")]).size, 0);
    assert.equal(set.generation, 1);
    assert.deepEqual([...set.update([resource("a", "2"), resource("b", "1")], ["c"])], ["a", "b"]);
    assert.equal(set.generation, 2);
  });

  it("knows what changed since a generation", () => {
    const set = createResourceSet([resource("a", "1")]);
    set.update([resource("b", "1")]);
    set.update([], ["a"]);
    assert.deepEqual([...(set.changedSince(1) ?? [])].sort(), ["a", "b"]);
    assert.deepEqual([...(set.changedSince(2) ?? [])], ["a"]);
    assert.deepEqual([...(set.changedSince(3) ?? [])], []);
  });

  it("forgets after a while, and says so", () => {
    const set = createResourceSet();
    for (let index = 0; index < 300; index += 1) set.update([resource("a", String(index))]);
    assert.equal(set.changedSince(1), undefined);
    assert.deepEqual([...(set.changedSince(299) ?? [])], ["a"]);
  });
});
