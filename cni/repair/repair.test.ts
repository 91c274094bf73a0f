import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import pino from "pino";
import { createMetrics } from "../agent/metrics.ts";
import { createAttempts } from "./attempts.ts";
import { isBroken, type RepairablePod } from "./broken.ts";
import { podNetworks } from "./namespace-of-pod.ts";
import { type RepairContext, repairPods } from "./repair.ts";

interface Given {
  readonly uid?: string;
  readonly state?: object;
  readonly lastState?: object;
  readonly phase?: string;
  readonly container?: string;
  readonly metadata?: object;
}

const missing = { terminated: { exitCode: 126 } };

function podOf({ uid = "u-1", phase = "Pending", container = "istio-validation", metadata = {}, ...states }: Given) {
  return {
    metadata: {
      name: `web-${uid}`,
      namespace: "shop",
      uid,
      annotations: { "sidecar.istio.io/status": "{}" },
      ...metadata,
    },
    spec: { containers: [{ name: "app" }, { name: "istio-proxy", args: ["proxy", "sidecar"] }] },
    status: { phase, podIPs: [{ ip: "10.0.0.5" }], initContainerStatuses: [{ name: container, ...states }] },
  } as RepairablePod;
}

const broken: [string, Given, boolean][] = [
  ["validation ended with 126", { state: missing }, true],
  ["validation waits to run again", { state: { waiting: {} }, lastState: missing }, true],
  ["validation ran again and passed", { state: { terminated: { exitCode: 0 } }, lastState: missing }, false],
  ["validation failed otherwise", { state: { terminated: { exitCode: 1 } } }, false],
  ["validation runs for the first time", { state: { running: {} } }, false],
  ["another container ended with 126", { state: missing, container: "setup" }, false],
  ["the Pod failed for good", { state: missing, phase: "Failed" }, false],
  ["the Pod is being deleted", { state: missing, metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } }, false],
  ["no webhook injected it", { state: missing, metadata: { annotations: {} } }, false],
];
for (const [what, given, expected] of broken) {
  test(`${expected ? "broken" : "not broken"}: ${what}`, () => assert.equal(isBroken(podOf(given)), expected));
}

test("a Pod is tried again later each time, and only so many Pods a minute", () => {
  const attempts = createAttempts({ perMinute: 2 });
  assert.equal(attempts.ask("a", 0), "go");
  assert.equal(attempts.ask("a", 29_999), "too-soon");
  assert.equal(attempts.ask("a", 30_000), "go");
  assert.equal(attempts.ask("b", 30_001), "too-many");
  assert.equal(attempts.ask("b", 60_000), "go");
  assert.equal(attempts.ask("a", 89_999), "too-soon");
  assert.equal(attempts.ask("a", 90_001), "go");
  attempts.keepOnly(new Set(["b"]));
  assert.equal(attempts.ask("a", 160_000), "go");
});

async function cache(t: TestContext, entries: readonly unknown[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "outrigger-cni-cache-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "results"));
  for (const [index, entry] of entries.entries()) {
    await writeFile(
      join(folder, "results", `pods-${index}-eth0`),
      typeof entry === "string" ? entry : JSON.stringify(entry),
    );
  }
  return folder;
}

function cached(uid: string, netns: string) {
  return { kind: "cniCacheV1", containerId: "c", ifName: "eth0", netns, cniArgs: [["K8S_POD_UID", uid]], result: {} };
}

test("a Pod's namespace is found in libcni's cache by its UID, whatever else lies there", async (t) => {
  const entries = ["{", "[]", { kind: "other" }, cached("u-2", "/var/run/netns/2"), cached("u-1", "/var/run/netns/1")];
  const folder = await cache(t, entries);
  assert.deepEqual(await podNetworks(folder, "u-1"), [{ netns: "/var/run/netns/1", ifname: "eth0" }]);
  assert.deepEqual(await podNetworks(folder, "u-3"), []);
  assert.deepEqual(await podNetworks("/nonexistent", "u-1"), []);
});

test("an older libcni does not name the namespace, but the chain's result does", async (t) => {
  const { netns: _, ...older } = cached("u-1", "");
  const interfaces = [
    { name: "pods0", mac: "3e:5f:ee:8d:3b:01" },
    { name: "veth6a0b", mac: "3e:5f:ee:8d:3b:02" },
    { name: "eth0", mac: "3e:5f:ee:8d:3b:03", sandbox: "/var/run/netns/cni-1" },
  ];
  const folder = await cache(t, [
    { ...older, result: { cniVersion: "1.0.0", interfaces } },
    { ...older, result: {} },
  ]);
  assert.deepEqual(await podNetworks(folder, "u-1"), [{ netns: "/var/run/netns/cni-1", ifname: "eth0" }]);
});

interface Seen {
  readonly calls: string[];
  readonly context: RepairContext;
}

async function repairing(t: TestContext, change: Partial<RepairContext> = {}): Promise<Seen> {
  const calls: string[] = [];
  const namespaceFolder = await mkdtemp(join(tmpdir(), "outrigger-netns-"));
  t.after(() => rm(namespaceFolder, { recursive: true }));
  await writeFile(join(namespaceFolder, "one"), "");
  const context: RepairContext = {
    mode: "repair",
    form: "iptables",
    cacheFolder: await cache(t, [cached("u-1", "/var/run/netns/one")]),
    attempts: createAttempts({ perMinute: 10 }),
    metrics: createMetrics(),
    log: pino({ level: "silent" }),
    nowMs: () => 0,
    cluster: {
      deletePod: async ({ metadata }) => calls.push(`delete ${metadata.name}`) > 0,
      labelPod: async ({ metadata }, label, value) => void calls.push(`label ${metadata.name} ${label}=${value}`),
      reportPod: async ({ metadata }, { type, reason, note }) => {
        calls.push(`${type} ${reason} ${metadata.name}`);
        assert.match(note, /\.$/);
      },
    },
    capture: {
      namespaceFolder,
      rules: {
        addresses: async () => assert.fail("the Pod's status has its addresses"),
        write: async (namespace, { mode, proxyUids }) => {
          calls.push(`write ${namespace.slice(namespaceFolder.length)} ${mode} ${proxyUids}`);
        },
        check: async () => assert.fail("repair writes"),
      },
    },
    ...change,
  };
  return { calls, context };
}

test("in place: the rules are written from the node, and the Pod's event says so", async (t) => {
  const { calls, context } = await repairing(t);
  await repairPods([podOf({ state: missing }), podOf({ uid: "u-2", state: { running: {} } })], context);
  assert.deepEqual(calls, ["write /one REDIRECT 1337", "Normal CaptureRepaired web-u-1"]);
  await repairPods([podOf({ state: missing })], context);
  assert.equal(calls.length, 2, "not again at once");
});

test("in place without a known namespace: an event says what to do", async (t) => {
  const { calls, context } = await repairing(t, { cacheFolder: "/nonexistent" });
  await repairPods([podOf({ state: missing })], context);
  assert.deepEqual(calls, ["Warning CaptureRepairFailed web-u-1"]);
});

test("delete and label", async (t) => {
  const deleting = await repairing(t, { mode: "delete" });
  await repairPods([podOf({ state: missing })], deleting.context);
  assert.deepEqual(deleting.calls, ["delete web-u-1", "Warning CaptureMissing web-u-1"]);
  const labelling = await repairing(t, { mode: "label" });
  const labelled = podOf({ uid: "u-9", state: missing });
  labelled.metadata.labels = { "cni.istio.io/uninitialized": "true" };
  await repairPods([podOf({ state: missing }), labelled], labelling.context);
  assert.deepEqual(labelling.calls, [
    "label web-u-1 cni.istio.io/uninitialized=true",
    "Warning CaptureMissing web-u-1",
  ]);
});

test("off does nothing, and a lost event is no failure", async (t) => {
  const off = await repairing(t, { mode: "off" });
  await repairPods([podOf({ state: missing })], off.context);
  assert.deepEqual(off.calls, []);
  const { calls, context } = await repairing(t);
  const cluster = { ...context.cluster, reportPod: () => Promise.reject(new Error("no answer")) };
  await repairPods([podOf({ state: missing })], { ...context, cluster });
  assert.deepEqual(calls, ["write /one REDIRECT 1337"]);
});
