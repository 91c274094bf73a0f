import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalQuantity, isQuantity } from "./quantity.ts";

const canonical: [string, string][] = [
  ["2000m", "2"],
  ["100m", "100m"],
  ["0.5", "500m"],
  ["1024Mi", "1Gi"],
  ["128Mi", "128Mi"],
  ["1000Mi", "1000Mi"],
  ["1.5Gi", "1536Mi"],
  ["0.5Ki", "512"],
  ["1000", "1k"],
  ["100", "100"],
  ["123000", "123k"],
  ["2e3", "2e3"],
  ["2000e3", "2e6"],
  ["0", "0"],
  ["0Mi", "0"],
  ["1E", "1E"],
  ["1e2", "100"],
  ["-2000m", "-2"],
  ["+3", "3"],
  [".5", "500m"],
  ["1n", "1n"],
  ["0.1n", "1n"],
  ["many", "many"],
];

for (const [text, expected] of canonical) {
  test(`quantity ${text} is ${expected}`, () => assert.equal(canonicalQuantity(text), expected));
}

for (const text of ["", "1 ", "1KiB", "1\n", "ten", "1.2.3", "1mi", "e3", "0x1", "-", "1e"]) {
  test(`${JSON.stringify(text)} is not a quantity`, () => assert.equal(isQuantity(text), false));
}
