import assert from "node:assert/strict";
import { test } from "node:test";
import { divideQuantity, quantityValue } from "./quantity.ts";

test("quantities are numbers with a suffix", () => {
  const cases: [string | number, number | undefined][] = [
    ["100m", 0.1],
    ["1Gi", 2 ** 30],
    ["1G", 1e9],
    ["1.5Ki", 1536],
    ["2e3", 2000],
    [2, 2],
    ["1E", 1e18],
    ["one", undefined],
    ["1Xi", undefined],
    ["", undefined],
  ];
  for (const [quantity, value] of cases) assert.equal(quantityValue(quantity), value, String(quantity));
});

test("a quantity over a divisor is rounded up", () => {
  assert.equal(divideQuantity("250m", 1), "1");
  assert.equal(divideQuantity("250m", "1m"), "250");
  assert.equal(divideQuantity("64Mi", "1Mi"), "64");
  assert.equal(divideQuantity("1", 0), undefined);
});
