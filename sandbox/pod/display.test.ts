import assert from "node:assert/strict";
import { test } from "node:test";
import { displayStatus, explanations } from "./display.ts";
import { afterExit, backoffMs, crashesInRow } from "./restart.ts";
import { type ContainerState, type ContainerStatus, isHopeless, isReady, type PodStatus } from "./status.ts";

const waiting = (reason: string): ContainerState => ({ state: "waiting", reason });
const running: ContainerState = { state: "running", sinceMs: 0 };
const ended = (exitCode: number, reason = exitCode === 0 ? "Completed" : "Error") =>
  ({ state: "terminated", reason, exitCode, message: "why" }) as const;

function container(role: ContainerStatus["role"], state: ContainerState, change: Partial<ContainerStatus> = {}) {
  const up = state.state === "running";
  return { name: role, image: "", role, state, started: up, ready: up, restarts: 0, standIn: false, ...change };
}

function pod(containers: ContainerStatus[], change: Partial<PodStatus> = {}): PodStatus {
  return { phase: "Pending", terminating: false, containers, ...change };
}

const blocked = container("main", waiting("PodInitializing"));

/** What kubectl prints for the same Pods. */
const cases: [string, PodStatus][] = [
  ["ContainerCreating", pod([container("main", waiting("PodInitializing"))])],
  ["Init:0/1", pod([container("init", waiting("PodInitializing")), blocked])],
  ["Init:0/2", pod([container("init", running), container("init", waiting("PodInitializing")), blocked])],
  ["Init:1/2", pod([container("init", ended(0)), container("init", running), blocked])],
  ["Init:Error", pod([container("init", ended(1)), blocked])],
  ["Init:CrashLoopBackOff", pod([container("init", waiting("CrashLoopBackOff")), blocked])],
  ["Init:0/1", pod([container("sidecar", running, { started: false }), blocked])],
  ["PodInitializing", pod([container("sidecar", running), blocked])],
  ["Running", pod([container("main", running)], { phase: "Running" })],
  ["Running", pod([container("main", running), container("main", ended(0))], { phase: "Running" })],
  ["CrashLoopBackOff", pod([container("main", waiting("CrashLoopBackOff"))], { phase: "Running" })],
  ["CreateContainerConfigError", pod([container("main", waiting("CreateContainerConfigError"))])],
  ["Completed", pod([container("main", ended(0))], { phase: "Succeeded" })],
  ["Error", pod([container("main", ended(3))], { phase: "Failed" })],
  ["Terminating", pod([container("main", running)], { terminating: true })],
  ["Denied", pod([], { reason: "Denied", message: "no" })],
];

for (const [expected, status] of cases) {
  test(`a Pod reads ${expected}`, () => assert.equal(displayStatus(status), expected));
}

test("a Pod is ready when all that lasts is ready", () => {
  const of = (...containers: ContainerStatus[]) => isReady(pod(containers, { phase: "Running" }));
  assert.equal(of(container("init", ended(0)), container("sidecar", running), container("main", running)), true);
  assert.equal(of(container("sidecar", running, { ready: false }), container("main", running)), false);
  assert.equal(isReady(pod([container("main", running)], { phase: "Running", terminating: true })), false);
});

test("the explanation is the message of what failed", () => {
  const crashed = container("main", waiting("CrashLoopBackOff"), { last: ended(2) });
  assert.deepEqual(explanations(pod([crashed])), ["main: ended with exit code 2: why"]);
  assert.deepEqual(explanations(pod([], { reason: "Denied", message: "no" })), ["no"]);
  assert.deepEqual(explanations(pod([container("main", running)])), []);
});

test("what will never become ready is known early", () => {
  assert.equal(isHopeless(pod([container("main", waiting("ErrImagePull"))])), true);
  assert.equal(isHopeless(pod([container("main", waiting("CrashLoopBackOff"), { restarts: 3 })])), true);
  assert.equal(isHopeless(pod([container("main", waiting("CrashLoopBackOff"), { restarts: 1 })])), false);
  assert.equal(isHopeless(pod([container("main", running, { restarts: 5 })])), false);
  assert.equal(isHopeless(pod([], { phase: "Failed" })), true);
});

test("what is started again, by role, policy and exit code", () => {
  const again = (
    ...[role, policy, exitCode]: Parameters<typeof afterExit> extends [...infer Head, number] ? Head : never
  ) => afterExit(role, policy, exitCode, 1).again;
  assert.equal(again("main", "Always", 0), true);
  assert.equal(again("main", "OnFailure", 0), false);
  assert.equal(again("main", "OnFailure", 1), true);
  assert.equal(again("main", "Never", 1), false);
  assert.equal(again("init", "Always", 0), false);
  assert.equal(again("init", "Always", 1), true);
  assert.equal(again("init", "Never", 1), false);
  assert.equal(again("sidecar", "Never", 0), true);
});

test("the wait doubles with each crash in a row, and begins anew after a healthy minute", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 9].map(backoffMs), [0, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  assert.equal(crashesInRow(4, 100), 5);
  assert.equal(crashesInRow(4, 60_000), 0);
});
