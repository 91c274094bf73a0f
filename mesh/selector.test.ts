import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabelSelector } from "./selector.ts";
import { describeRequirement, selectorMatches, selectorProblems, unmetRequirement } from "./selector.ts";

const labels = { app: "shop", tier: "" };

const cases: { selector: LabelSelector; matches: boolean; what: string }[] = [
  { what: "an empty selector matches everything", selector: {}, matches: true },
  { what: "matchLabels that holds", selector: { matchLabels: { app: "shop" } }, matches: true },
  { what: "matchLabels with another value", selector: { matchLabels: { app: "till" } }, matches: false },
  {
    what: "In",
    selector: { matchExpressions: [{ key: "app", operator: "In", values: ["x", "shop"] }] },
    matches: true,
  },
  {
    what: "In without the label",
    selector: { matchExpressions: [{ key: "z", operator: "In", values: ["x"] }] },
    matches: false,
  },
  {
    what: "NotIn without the label",
    selector: { matchExpressions: [{ key: "z", operator: "NotIn", values: ["x"] }] },
    matches: true,
  },
  {
    what: "NotIn with the value",
    selector: { matchExpressions: [{ key: "app", operator: "NotIn", values: ["shop"] }] },
    matches: false,
  },
  {
    what: "Exists with an empty value",
    selector: { matchExpressions: [{ key: "tier", operator: "Exists" }] },
    matches: true,
  },
  {
    what: "DoesNotExist with an empty value",
    selector: { matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] },
    matches: false,
  },
  {
    what: "a name every object inherits",
    selector: { matchExpressions: [{ key: "constructor", operator: "Exists" }] },
    matches: false,
  },
  {
    what: "all requirements must hold",
    selector: { matchLabels: { app: "shop" }, matchExpressions: [{ key: "tier", operator: "In", values: ["front"] }] },
    matches: false,
  },
];

for (const { what, selector, matches } of cases) {
  test(`selector: ${what}`, () => assert.equal(selectorMatches(selector, labels), matches));
}

test("the first unmet requirement is named, as kubectl writes it", () => {
  const unmet = unmetRequirement(
    { matchExpressions: [{ key: "app", operator: "NotIn", values: ["shop", "x"] }] },
    labels,
  );
  assert.equal(unmet && describeRequirement(unmet), "app notin (shop,x)");
});

const invalid: { selector: LabelSelector; message: RegExp }[] = [
  { selector: { matchLabels: { "a b": "x" } }, message: /not a label key/ },
  { selector: { matchLabels: { "/a": "x" } }, message: /not a label key/ },
  { selector: { matchLabels: { a: "x y" } }, message: /not a label value/ },
  { selector: { matchExpressions: [{ key: "a", operator: "In", values: [] }] }, message: /no values/ },
  { selector: { matchExpressions: [{ key: "a", operator: "Exists", values: ["x"] }] }, message: /takes no values/ },
];

for (const { selector, message } of invalid) {
  test(`selector refused: ${JSON.stringify(selector)}`, () => {
    const [problem] = selectorProblems(selector, "neverInjectSelector[0]");
    assert.match(problem?.message ?? "", message);
  });
}

test("a valid selector has no problems", () => {
  assert.deepEqual(selectorProblems({ matchLabels: { "istio.io/rev": "canary" } }, "s"), []);
});
