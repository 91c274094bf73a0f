import assert from "node:assert/strict";
import { test } from "node:test";
import { workloadFrom } from "../registry/workload.ts";
import { workloadName } from "./peer-workload.ts";

function named(labels: Record<string, string>, name = "till"): string | undefined {
  const workload = workloadFrom({ metadata: { namespace: "shop", name, labels } }, undefined);
  return workload && workloadName(workload);
}

test("a certificate names workload, canonical service and revision, and nothing that is no name", () => {
  assert.equal(named({ app: "till", version: "v1.2_x" }), "till/till/v1.2_x");
  assert.equal(named({}), "till/till/latest");
  assert.equal(named({ app: "", version: "v1/../v2" }), "till/unknown/unknown");
  assert.equal(named({ app: 'a"}', version: "a b" }, "a".repeat(254)), "unknown/unknown/unknown");
});
