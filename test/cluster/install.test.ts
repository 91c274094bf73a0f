import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { execa } from "execa";
import { type Cluster, connect } from "./cluster.ts";
import { everyObject } from "./every-object.ts";
import { installed, systemNamespace } from "./installed.ts";
import type { Pod } from "./pod.ts";
import { streamPods } from "./pod-stream.ts";
import { appPod } from "./workload.ts";

// The command that users type, from an empty cluster to an empty cluster.

const outrigger = join(import.meta.dirname, "..", "..", "bin", "outrigger");
let cluster: Cluster;
before(async () => {
  cluster = await connect();
});

function run(...args: readonly string[]) {
  return execa(outrigger, args, { reject: false, timeout: 240_000 });
}

async function succeed(...args: readonly string[]): Promise<string> {
  const result = await run(...args);
  assert.equal(result.exitCode, 0, `${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

/** The verbs of the progress lines, by object. */
function verbs(output: string): Record<string, string> {
  const lines = output.split("\n").map((line) => /^(created|changed|unchanged|deleted) +(.*)$/.exec(line));
  return Object.fromEntries(lines.flatMap((match) => (match === null ? [] : [[match[2] ?? "", match[1] ?? ""]])));
}

async function revisionOf(labels: Readonly<Record<string, string>>, test: Parameters<Cluster["namespace"]>[0]) {
  const namespace = await cluster.namespace(test, labels);
  const { object } = await cluster.create<Pod>(appPod(namespace, "one"));
  const status = object.metadata.annotations?.["sidecar.istio.io/status"];
  return status === undefined ? undefined : (JSON.parse(status) as { revision: string }).revision;
}

test("install, again, preview, upgrade by revision, uninstall", async (t) => {
  // The definitions of Istio's API outlive installations: they are there from the first one on.
  await installed(cluster);
  await succeed("uninstall");
  const empty = await everyObject(cluster);

  await t.test("a preview of a first installation shows every object and makes none", async () => {
    const preview = await run("install", "--dry-run");
    assert.equal(preview.exitCode, 0, preview.stderr);
    assert.match(preview.stdout, /^\+kind: Deployment$/m);
    assert.match(preview.stdout, /^\+kind: MutatingWebhookConfiguration$/m);
    assert.deepEqual(await everyObject(cluster), empty);
  });

  await t.test("installing tells of each object, waits, and ends with Pods being injected", async () => {
    const output = await succeed("install");
    const { "CustomResourceDefinition peerauthentications.security.istio.io": definition, ...others } = verbs(output);
    assert.equal(definition, "unchanged", output);
    assert.ok(
      Object.values(others).every((verb) => verb === "created"),
      output,
    );
    assert.match(output, /^ready +Deployment outrigger-system\/outrigger-discovery$/m);
    assert.match(output, /^ready +Deployment outrigger-system\/outrigger-webhook$/m);
    assert.match(output, /^ready +MutatingWebhookConfiguration outrigger-sidecar-injector$/m);
    assert.equal(await revisionOf({ "istio-injection": "enabled" }, t), "default");
  });

  await t.test("installing again changes nothing, and a preview is empty", async () => {
    const again = verbs(await succeed("install"));
    assert.ok(Object.keys(again).length > 10);
    assert.deepEqual([...new Set(Object.values(again))], ["unchanged"]);
    const preview = await run("install", "--dry-run");
    assert.equal(preview.stdout, "");
    assert.match(preview.stderr, /^0 of \d+ objects would change$/m);
  });

  await t.test("another setting is shown by the preview, and only that is changed", async () => {
    const preview = await run("install", "--dry-run", "--set", "webhook.timeoutSeconds=7");
    assert.match(preview.stdout, /^-\s+timeoutSeconds: 5$/m);
    assert.match(preview.stdout, /^\+\s+timeoutSeconds: 7$/m);
    const changed = verbs(await succeed("install", "--set", "webhook.timeoutSeconds=7"));
    const others = Object.entries(changed).filter(([, verb]) => verb !== "unchanged");
    assert.deepEqual(others, [["MutatingWebhookConfiguration outrigger-sidecar-injector", "changed"]]);
  });

  await t.test("an option that is switched off again takes its objects along", async () => {
    await succeed("install", "--set", "monitoring.dashboard=true");
    const off = verbs(await succeed("install"));
    assert.equal(off[`ConfigMap ${systemNamespace}/outrigger-webhook-dashboard`], "deleted");
  });

  await t.test("a tag is not taken from the revision that serves it", async () => {
    await succeed("install", "--revision", "one", "--tag", "prod");
    const refused = await run("install", "--revision", "two", "--tag", "prod");
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /tag "prod" names the revision one; move it with `outrigger upgrade`/);
  });

  await t.test("an upgrade moves the tags, and no Pod is without injection in between", async () => {
    const labelled = await cluster.namespace(t, { "istio-injection": "enabled" });
    const tagged = await cluster.namespace(t, { "istio.io/rev": "prod" });
    const streams = [labelled, tagged].map((namespace) => streamPods(cluster, namespace));
    const output = await succeed("upgrade", "--revision", "two", "--tag", "prod", "--tag", "default");
    const results = await Promise.all(streams.map((stream) => stream.stop()));
    assert.match(output, /The tags have left the revision one/);
    assert.match(output, /The tags have left the revision default/);
    for (const { created, failed, missed } of results) {
      assert.ok(created > 10);
      assert.deepEqual(failed, []);
      assert.deepEqual(missed, []);
    }
    assert.equal(await revisionOf({ "istio-injection": "enabled" }, t), "two");
    assert.equal(await revisionOf({ "istio.io/rev": "prod" }, t), "two");
    assert.equal(await revisionOf({ "istio.io/rev": "one" }, t), "one");
  });

  await t.test("one revision can be taken away, and the others go on", async () => {
    await succeed("uninstall", "--revision", "one");
    assert.equal(await revisionOf({ "istio.io/rev": "one" }, t), undefined);
    assert.equal(await revisionOf({ "istio.io/rev": "prod" }, t), "two");
  });

  await t.test("uninstalling leaves nothing", async () => {
    await succeed("uninstall");
    assert.deepEqual(await everyObject(cluster), empty);
  });
  await installed(cluster);
});

test("what the cluster lacks is named before anything is changed", async () => {
  const before = await everyObject(cluster);
  const refused = await run("install", "--set", "monitoring.serviceMonitor=true", "--set", "monitoring.alerts=true");
  assert.equal(refused.exitCode, 1);
  assert.match(
    refused.stderr,
    /monitoring\.coreos\.com\/v1 ServiceMonitor is not a kind of this cluster; install the Prom/,
  );
  assert.match(refused.stderr, /PrometheusRule is not a kind/);
  assert.deepEqual(await everyObject(cluster), before);
});

test("a cluster that does not answer is an error without a stack trace", async () => {
  const server = "https://127.0.0.1:1";
  const kubeconfig = JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "none", cluster: { server } }],
    contexts: [{ name: "none", context: { cluster: "none", user: "none" } }],
    users: [{ name: "none", user: {} }],
    "current-context": "none",
  });
  const folder = await mkdtemp(join(tmpdir(), "outrigger-kubeconfig-"));
  try {
    await writeFile(join(folder, "config"), kubeconfig);
    const refused = await execa(outrigger, ["install"], { env: { KUBECONFIG: join(folder, "config") }, reject: false });
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /API server https:\/\/127\.0\.0\.1:1\/? /);
    assert.doesNotMatch(refused.stderr, /\n\s+at /);
  } finally {
    await rm(folder, { recursive: true });
  }
});
