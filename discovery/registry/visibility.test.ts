import assert from "node:assert/strict";
import { test } from "node:test";
import { isVisible, visibilityOf } from "./visibility.ts";

const cases: readonly [exportTo: string, seesIt: readonly string[]][] = [
  ["*", ["shop", "other", "third"]],
  [".", ["shop"]],
  ["., other", ["shop", "other"]],
  ["other", ["other"]],
  ["~", []],
  ["", []],
  ["other,*", ["shop", "other", "third"]],
];

for (const [exportTo, seesIt] of cases) {
  test(`exportTo "${exportTo}" is seen from ${seesIt.join(", ") || "nowhere"}`, () => {
    const visibility = visibilityOf(exportTo, "shop");
    assert.deepEqual(
      ["shop", "other", "third"].filter((from) => isVisible(visibility, from)),
      seesIt,
    );
  });
}
