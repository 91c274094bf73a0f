import assert from "node:assert/strict";
import { test } from "node:test";
import { expand } from "./expansion.ts";

const variables = new Map([
  ["VAR", "value"],
  ["EMPTY", ""],
  ["a.b-c", "dotted"],
]);

/** The cases of Kubernetes' own documentation and tests of `$(VAR)` expansion. */
const cases: [string, string][] = [
  ["$(VAR)", "value"],
  ["a-$(VAR)-b", "a-value-b"],
  ["$(VAR)$(VAR)", "valuevalue"],
  ["$(UNKNOWN)", "$(UNKNOWN)"],
  ["$$(VAR)", "$(VAR)"],
  ["$$$(VAR)", "$value"],
  ["$$", "$"],
  ["$VAR", "$VAR"],
  ["$(VAR", "$(VAR"],
  ["$(EMPTY)", ""],
  ["$(a.b-c)", "dotted"],
  ["%DOWNSTREAM% $x", "%DOWNSTREAM% $x"],
  ["$()", "$()"],
];

for (const [text, expected] of cases) {
  test(`${JSON.stringify(text)} expands to ${JSON.stringify(expected)}`, () => {
    assert.equal(expand(text, variables), expected);
  });
}
