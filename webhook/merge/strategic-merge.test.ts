import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonObject } from "../../mesh/pod.ts";
import { strategicMerge } from "./strategic-merge.ts";

const named = (...names: string[]) => names.map((name) => ({ name }));

const cases: { what: string; original: JsonObject; patch: JsonObject; merged: JsonObject }[] = [
  {
    what: "objects merge field by field",
    original: { a: { b: 1, c: 2 } },
    patch: { a: { c: 3 } },
    merged: { a: { b: 1, c: 3 } },
  },
  { what: "null deletes", original: { a: 1, b: 2 }, patch: { a: null }, merged: { b: 2 } },
  {
    what: "null deletes in an object that is new",
    original: {},
    patch: { a: { b: null, c: 1 } },
    merged: { a: { c: 1 } },
  },
  {
    what: "null in a new item of a list",
    original: {},
    patch: { volumes: [{ name: "a", emptyDir: null }] },
    merged: { volumes: [{ name: "a" }] },
  },
  {
    what: "null deletes in an item",
    original: { volumes: [{ name: "a", emptyDir: {}, csi: {} }] },
    patch: { volumes: [{ name: "a", emptyDir: null }] },
    merged: { volumes: [{ name: "a", csi: {} }] },
  },
  {
    what: "containers by name, the patch's first",
    original: { containers: [{ name: "app", image: "a" }] },
    patch: { containers: [{ name: "proxy" }] },
    merged: { containers: [{ name: "proxy" }, { name: "app", image: "a" }] },
  },
  {
    what: "an item of both is merged",
    original: { containers: [{ name: "x", image: "a", tty: true }] },
    patch: { containers: [{ name: "x", image: "b" }] },
    merged: { containers: [{ name: "x", image: "b", tty: true }] },
  },
  {
    what: "the original's order holds between items of both",
    original: { env: named("a", "b", "c") },
    patch: { env: named("c", "n") },
    merged: { env: named("a", "b", "c", "n") },
  },
  {
    what: "new items come before what follows them in the patch",
    original: { env: named("a", "b") },
    patch: { env: named("n", "b") },
    merged: { env: named("n", "a", "b") },
  },
  {
    what: "the patch's order holds among its items",
    original: { env: named("a", "b") },
    patch: { env: named("b", "a") },
    merged: { env: named("b", "a") },
  },
  { what: "args are one value", original: { args: ["a", "b"] }, patch: { args: ["c"] }, merged: { args: ["c"] } },
  {
    what: "tolerations are one value",
    original: { tolerations: [{ key: "a" }] },
    patch: { tolerations: [{ key: "b" }] },
    merged: { tolerations: [{ key: "b" }] },
  },
  {
    what: "ports by containerPort",
    original: { ports: [{ containerPort: 80, name: "http" }] },
    patch: { ports: [{ containerPort: 80, protocol: "TCP" }] },
    merged: { ports: [{ containerPort: 80, name: "http", protocol: "TCP" }] },
  },
  {
    what: "volumeMounts by mountPath",
    original: { volumeMounts: [{ mountPath: "/a", name: "x" }] },
    patch: {
      volumeMounts: [
        { mountPath: "/a", name: "y" },
        { mountPath: "/b", name: "x" },
      ],
    },
    merged: {
      volumeMounts: [
        { mountPath: "/a", name: "y" },
        { mountPath: "/b", name: "x" },
      ],
    },
  },
  {
    what: "hostAliases by ip",
    original: { hostAliases: [{ ip: "1", hostnames: ["a"] }] },
    patch: { hostAliases: [{ ip: "1", hostnames: ["b"] }] },
    merged: { hostAliases: [{ ip: "1", hostnames: ["b"] }] },
  },
  {
    what: "topologySpreadConstraints by topologyKey",
    original: { topologySpreadConstraints: [{ topologyKey: "z", maxSkew: 1 }] },
    patch: { topologySpreadConstraints: [{ topologyKey: "z", maxSkew: 2 }] },
    merged: { topologySpreadConstraints: [{ topologyKey: "z", maxSkew: 2 }] },
  },
  {
    what: "finalizers are a set",
    original: { finalizers: ["a", "b"] },
    patch: { finalizers: ["b", "c"] },
    merged: { finalizers: ["a", "b", "c"] },
  },
  {
    what: "$patch: delete takes an item away",
    original: { env: named("a", "b") },
    patch: { env: [{ name: "a", $patch: "delete" }] },
    merged: { env: named("b") },
  },
  {
    what: "$patch: replace in a list",
    original: { env: named("a", "b") },
    patch: { env: [{ $patch: "replace" }, { name: "c" }] },
    merged: { env: named("c") },
  },
  {
    what: "$patch: replace in an object",
    original: { a: { b: 1 } },
    patch: { a: { $patch: "replace", c: 2 } },
    merged: { a: { c: 2 } },
  },
  {
    what: "$patch: delete in an object",
    original: { a: { b: 1 } },
    patch: { a: { $patch: "delete" } },
    merged: { a: {} },
  },
  { what: "another type replaces", original: { a: { b: 1 } }, patch: { a: [1] }, merged: { a: [1] } },
];

for (const { what, original, patch, merged } of cases) {
  test(`strategic merge: ${what}`, () => assert.deepEqual(strategicMerge(original, patch), merged));
}

test("a patch cannot set an object's prototype", () => {
  const patch = JSON.parse('{"a": {"__proto__": {"privileged": true}}}') as JsonObject;
  const merged = strategicMerge({}, patch) as { a: JsonObject };
  assert.equal(merged.a.privileged, undefined);
});

const fieldName = fc.constantFrom("name", "env", "containers", "labels", "args", "image");
const tree = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string({ maxLength: 3 }),
    fc.integer(),
    tie("object"),
    fc.array(fc.string({ maxLength: 2 }), { maxLength: 3 }),
  ),
  object: fc.dictionary(fieldName, fc.oneof(tie("value"), tie("list")), { maxKeys: 4 }),
  list: fc.uniqueArray(fc.record({ name: fc.constantFrom("a", "b", "c", "d"), image: fc.string({ maxLength: 2 }) }), {
    selector: ({ name }) => name,
    maxLength: 4,
  }),
}));
const object = tree.object.map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);

test("merging into nothing gives the patch, and merging nothing gives the original", () => {
  fc.assert(
    fc.property(object, (value) => {
      assert.deepEqual(strategicMerge({}, value), value);
      assert.equal(JSON.stringify(strategicMerge(value, {})), JSON.stringify(value));
    }),
  );
});

test("merging a patch twice changes nothing more, and leaves both values as they were", () => {
  fc.assert(
    fc.property(object, object, (original, patch) => {
      const [originalText, patchText] = [JSON.stringify(original), JSON.stringify(patch)];
      const once = strategicMerge(original, patch);
      assert.deepEqual(strategicMerge(once, patch), once);
      assert.deepEqual([JSON.stringify(original), JSON.stringify(patch)], [originalText, patchText]);
    }),
  );
});
