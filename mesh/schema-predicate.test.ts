import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as v from "valibot";
import { schemaPredicate } from "./schema-predicate.ts";

const leaf = v.looseObject({ port: v.union([v.number(), v.string()]), tls: v.nullish(v.boolean()) });
const schema = v.looseObject({
  name: v.string(),
  list: v.nullish(v.array(leaf)),
  any: v.nullish(v.custom<unknown[]>(Array.isArray)),
  labels: v.nullish(v.record(v.string(), v.string())),
  deep: v.nullish(v.looseObject({ leaf: v.nullish(leaf) })),
});
const holds = schemaPredicate(schema);

const scalar = fc.oneof(fc.string({ maxLength: 3 }), fc.integer(), fc.boolean(), fc.constant(null));
const anyLeaf = fc.record({ port: scalar, tls: scalar, more: scalar }, { requiredKeys: [] });
const anyValue = fc.oneof(
  { withCrossShrink: true },
  scalar,
  fc.record(
    {
      name: fc.oneof({ weight: 9, arbitrary: fc.string({ maxLength: 3 }) }, scalar),
      list: fc.oneof(fc.array(anyLeaf, { maxLength: 3 }), scalar),
      any: fc.oneof(fc.array(scalar, { maxLength: 2 }), scalar),
      labels: fc.oneof(fc.dictionary(fc.string({ maxLength: 3 }), scalar, { maxKeys: 3 }), scalar),
      deep: fc.oneof(fc.record({ leaf: fc.oneof(anyLeaf, fc.constant(null)) }), scalar),
      more: scalar,
    },
    { requiredKeys: [] },
  ),
);

test("a predicate and valibot agree", () => {
  fc.assert(
    fc.property(anyValue, (value) => assert.equal(holds(value), v.safeParse(schema, value).success)),
    { numRuns: 3000 },
  );
});

test("a list is no object", () => {
  assert.equal(schemaPredicate(v.looseObject({}))([]), false);
  assert.equal(schemaPredicate(v.record(v.string(), v.string()))([]), false);
});

test("a kind of schema that is not known is refused when it is built", () => {
  assert.throws(() => schemaPredicate(v.date()), /no predicate is made of date/);
});
