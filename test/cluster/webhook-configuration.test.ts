import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { createAuthority } from "../../host/x509.ts";
import { deploymentPod, reviewOf } from "../fixtures/deployment-review.ts";
import { mount } from "../sandbox/webhook-process.ts";
import { type Cluster, connect } from "./cluster.ts";
import { startLocalWebhook } from "./local-webhook.ts";
import { until } from "./waiting.ts";

// The webhook's configuration, followed in ConfigMaps of a real API server.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
});

const configMap = (namespace: string, name: string, data: Readonly<Record<string, string>>): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace },
  data,
});

async function startWebhook(t: TestContext, namespace: string, ...flags: string[]) {
  const webhook = await startLocalWebhook(t, flags, { POD_NAMESPACE: namespace });
  const decision = async () => {
    const { body } = await webhook.post(JSON.stringify(reviewOf(deploymentPod)));
    return JSON.parse(body).response.auditAnnotations.decision;
  };
  return { ...webhook, decision };
}

test("a ConfigMap is followed; a bad one is refused with an event, and the one before stays", async (t) => {
  const namespace = await cluster.namespace(t);
  await cluster.apply([configMap(namespace, "outrigger", { config: "policy: disabled" })]);
  const webhook = await startWebhook(t, namespace, "--config-map", "outrigger");
  assert.equal(await webhook.decision(), "skip");

  await cluster.apply([configMap(namespace, "outrigger", { config: "policy: enabled" })]);
  await until("the new policy", async () => (await webhook.decision()) === "inject");

  await cluster.apply([configMap(namespace, "outrigger", { config: "policy: disabled\nneverInjectSelector: 7" })]);
  const { reason } = await webhook.logged("configuration refused; the one before stays");
  assert.match(String(reason), /neverInjectSelector/);
  assert.equal(await webhook.decision(), "inject");
  assert.equal((await webhook.get("/readyz")).code, 200);
  const { body: metrics } = await webhook.get("/metrics");
  assert.match(metrics, /outrigger_webhook_configuration_generation 2/);
  assert.match(metrics, /outrigger_webhook_configuration_loads_total\{result="refused"\} 1/);

  const event = await until("the event", async () => {
    const events = await cluster.list<KubernetesObject & { reason: string; note: string; regarding: { name: string } }>(
      "events.k8s.io/v1",
      "Event",
      { namespace },
    );
    return events.find((one) => one.reason === "ConfigurationRefused");
  });
  assert.equal(event.regarding.name, "outrigger");
  assert.match(event.note, /neverInjectSelector/);
});

test("Istio's two ConfigMaps are read together, and one that goes away changes nothing", async (t) => {
  const namespace = await cluster.namespace(t);
  const mesh = configMap(namespace, "istio", { mesh: "trustDomain: example.org" });
  const injector = configMap(namespace, "istio-sidecar-injector", { config: "policy: enabled", values: "{}" });
  await cluster.apply([mesh, injector]);
  const webhook = await startWebhook(t, namespace, "--config-map", "istio", "istio-sidecar-injector");
  assert.equal(await webhook.decision(), "inject");
  await cluster.delete(mesh);
  const { reason } = await webhook.logged("configuration refused; the one before stays");
  assert.match(String(reason), new RegExp(`ConfigMap ${namespace}/istio does not exist`));
  assert.equal(await webhook.decision(), "inject");
});

test("a ConfigMap that does not exist counts as empty at start, and is taken over once it is there", async (t) => {
  const namespace = await cluster.namespace(t);
  const webhook = await startWebhook(t, namespace, "--config-map", "outrigger");
  assert.equal(await webhook.decision(), "inject");
  assert.match(String((await webhook.logged("configuration refused; there is none yet")).reason), /does not exist/);
  await cluster.apply([configMap(namespace, "outrigger", { config: "policy: disabled" })]);
  await until("the new policy", async () => (await webhook.decision()) === "skip");
});

test("roots of the control plane in a file are followed beside ConfigMaps, and bad ones refused with an event", async (t) => {
  const namespace = await cluster.namespace(t);
  await cluster.apply([configMap(namespace, "outrigger", { config: "policy: enabled" })]);
  const folder = mkdtempSync(join(tmpdir(), "outrigger-roots-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const rootOf = async (commonName: string) =>
    (await createAuthority({ commonName, lifetimeMs: 3_600_000 })).pem.certificate;
  mount(folder, { "root.pem": await rootOf("old") });
  const discovery = ["--discovery-address", "discovery.example.svc:15012", "--discovery-ca", join(folder, "root.pem")];
  const webhook = await startWebhook(t, namespace, "--config-map", "outrigger", ...discovery);
  const next = await rootOf("next");
  const seen = webhook.log.length;
  mount(folder, { "root.pem": next });
  await webhook.logged("configuration loaded", seen);
  const { body } = await webhook.post(JSON.stringify(reviewOf(deploymentPod)));
  const patch = Buffer.from(JSON.parse(body).response.patch, "base64").toString();
  assert.ok(patch.includes(next.split("\n")[1] ?? "none"));
  mount(folder, { "root.pem": "gone" });
  const { reason } = await webhook.logged("configuration refused; the one before stays");
  assert.match(String(reason), /root.pem holds no certificate/);
  await until("the event", async () => {
    const events = await cluster.list<KubernetesObject & { note: string }>("events.k8s.io/v1", "Event", { namespace });
    return events.find(({ note }) => /root.pem holds no certificate/.test(note));
  });
});

test("the nodes' kubelets decide on native sidecars", async (t) => {
  const namespace = await cluster.namespace(t);
  const webhook = await startWebhook(t, namespace, "--watch-nodes");
  const { nodes } = await webhook.logged("nodes known");
  assert.ok(Number(nodes) >= 1);
});
