import assert from "node:assert/strict";
import { test } from "node:test";
import { workloadFrom } from "./workload.ts";

/** A Pod of a controller, as the API server has it. */
function ownerOf(kind: string, name: string, labels: Record<string, string> = {}): string | undefined {
  const ownerReferences = [{ kind, name, controller: true }];
  const metadata = { namespace: "shop", name: `${name}-x2x5k`, generateName: `${name}-`, labels, ownerReferences };
  return workloadFrom({ metadata }, undefined)?.owner;
}

test("metrics name a Pod's workload as the Pod's own sidecar does", () => {
  assert.equal(ownerOf("ReplicaSet", "till-6d4f5", { "pod-template-hash": "6d4f5" }), "till");
  assert.equal(ownerOf("ReplicaSet", "till-of-1999"), "till-of-1999", "a ReplicaSet of its own");
  assert.equal(ownerOf("StatefulSet", "db"), "db");
  assert.equal(ownerOf("Job", "report-28394820"), "report", "the Jobs of a CronJob are one workload");
  assert.equal(workloadFrom({ metadata: { namespace: "shop", name: "till" } }, undefined)?.owner, "till");
});
