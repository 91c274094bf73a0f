import assert from "node:assert/strict";
import { test } from "node:test";
import { countsAsFailure, nextState, pauseMs, unknown } from "./thresholds.ts";

function results(attempts: string, successThreshold: number, failureThreshold: number): string {
  let state = unknown;
  return [...attempts]
    .map((attempt) => {
      state = nextState(state, attempt === "+", { successThreshold, failureThreshold });
      return { unknown: "?", success: "+", failure: "-" }[state.result];
    })
    .join("");
}

test("a result changes after a threshold's attempts in a row", () => {
  assert.equal(results("+", 1, 3), "+");
  assert.equal(results("---", 1, 3), "??-");
  assert.equal(results("+--+--", 1, 3), "++++++");
  assert.equal(results("+---+", 1, 3), "+++-+");
  assert.equal(results("-+-++", 2, 3), "????+");
});

test("a container that is not there yet is asked often, and only one failure a period counts", () => {
  const probe = { periodSeconds: 10 };
  assert.equal(pauseMs(unknown, probe), 200);
  assert.equal(pauseMs({ ...unknown, result: "success" }, probe), 10_000);
  assert.equal(countsAsFailure(200, probe), false);
  assert.equal(countsAsFailure(10_000, probe), true);
});
