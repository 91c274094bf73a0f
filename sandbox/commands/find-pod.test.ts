import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodReport } from "../supervisor/report.ts";
import { findPod } from "./find-pod.ts";

const pod = (namespace: string, name: string, workload: string, isReady = true) =>
  ({ namespace, name, workload, isReady }) as PodReport;

const pods = [
  pod("shop", "web-1", "Deployment/web", false),
  pod("shop", "web-2", "Deployment/web"),
  pod("shop", "db-0", "StatefulSet/db"),
  pod("other", "till", "Pod/till"),
  pod("shop", "till", "Pod/till"),
];

test("a Pod is found by its name or its workload's, the ready one first", () => {
  const name = (typed: string, namespace?: string) => findPod(pods, typed, namespace).name;
  assert.equal(name("web-1"), "web-1");
  assert.equal(name("web"), "web-2");
  assert.equal(name("deploy/web"), "web-2");
  assert.equal(name("deployments/web"), "web-2");
  assert.equal(name("shop/web-1"), "web-1");
  assert.equal(name("statefulset/db"), "db-0");
  assert.equal(findPod(pods, "till", "other").namespace, "other");
});

test("what is not there, or there twice, is said with the choice", () => {
  assert.throws(() => findPod(pods, "nobody", "shop"), /choose one of: shop\/web-1, shop\/web-2/);
  assert.throws(() => findPod(pods, "till", undefined), /several namespaces.*other\/till, shop\/till/);
  assert.throws(() => findPod(pods, "statefulset/web", undefined), /is not in the sandbox/);
});
