import assert from "node:assert/strict";
import { test } from "node:test";
import { ownerOf } from "./owner.ts";
import type { ObjectMeta } from "./pod.ts";

const by = (apiVersion: string, kind: string, name: string, labels?: Record<string, string>): ObjectMeta => ({
  generateName: `${name}-`,
  ...(labels && { labels }),
  ownerReferences: [{ apiVersion, kind, name, controller: true }],
});

const cases: { what: string; metadata: ObjectMeta; owner: string }[] = [
  { what: "a Pod alone", metadata: { name: "till" }, owner: "v1 Pod till" },
  { what: "a Pod alone with a generated name", metadata: { generateName: "till-" }, owner: "v1 Pod " },
  {
    what: "a Deployment",
    metadata: by("apps/v1", "ReplicaSet", "till-6d4", { "pod-template-hash": "6d4" }),
    owner: "apps/v1 Deployment till",
  },
  { what: "a ReplicaSet of its own", metadata: by("apps/v1", "ReplicaSet", "till"), owner: "apps/v1 ReplicaSet till" },
  {
    what: "a ReplicaSet with another hash",
    metadata: by("apps/v1", "ReplicaSet", "till-6d4", { "pod-template-hash": "aaa" }),
    owner: "apps/v1 ReplicaSet till-6d4",
  },
  {
    what: "a Rollout",
    metadata: by("apps/v1", "ReplicaSet", "till-6d4", { "rollouts-pod-template-hash": "6d4" }),
    owner: "v1alpha1 Rollout till",
  },
  {
    what: "a DeploymentConfig",
    metadata: by("v1", "ReplicationController", "till-1", { deploymentconfig: "till" }),
    owner: "v1 DeploymentConfig till",
  },
  {
    what: "a ReplicationController",
    metadata: by("v1", "ReplicationController", "till"),
    owner: "v1 ReplicationController till",
  },
  { what: "a CronJob", metadata: by("batch/v1", "Job", "report-28012345"), owner: "batch/v1 CronJob report" },
  {
    what: "a Job whose number is too long",
    metadata: by("batch/v1", "Job", "report-28012345678"),
    owner: "batch/v1 Job report-28012345678",
  },
  { what: "a StatefulSet", metadata: by("apps/v1", "StatefulSet", "till"), owner: "apps/v1 StatefulSet till" },
  {
    what: "an owner that does not control",
    metadata: { name: "a", generateName: "a-", ownerReferences: [{ apiVersion: "v1", kind: "X", name: "x" }] },
    owner: "v1 Pod a",
  },
  {
    what: "a controller of a Pod with a name of its own",
    metadata: { name: "a", ownerReferences: [{ apiVersion: "v1", kind: "X", name: "x", controller: true }] },
    owner: "v1 Pod a",
  },
];

for (const { what, metadata, owner } of cases) {
  test(`owner: ${what}: ${owner}`, () => {
    const { apiVersion, kind, name } = ownerOf({ metadata });
    assert.equal(`${apiVersion} ${kind} ${name}`, owner);
  });
}
