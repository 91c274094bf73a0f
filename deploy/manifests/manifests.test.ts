import assert from "node:assert/strict";
import { test } from "node:test";
import { Certificate, Issuer } from "@kubernetes-models/cert-manager/cert-manager.io/v1";
import { PrometheusRule, ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import { systemNamespaces } from "../../mesh/names.ts";
import type { KubernetesObject } from "../cluster/api.ts";
import { type InstallInput, installSettings } from "../settings.ts";
import { discoveryAlerts } from "./discovery-alerts.ts";
import { manifests } from "./manifests.ts";
import { alerts } from "./monitoring.ts";

interface Webhook {
  readonly name: string;
  readonly namespaceSelector: { matchExpressions: { key: string; operator: string; values?: string[] }[] };
  readonly clientConfig: { readonly service: { readonly name: string }; readonly caBundle?: string };
  readonly reinvocationPolicy: string;
}

function render(input: InstallInput = {}): KubernetesObject[] {
  return manifests(installSettings(input));
}

function webhooksOf(objects: readonly KubernetesObject[]): Record<string, Webhook[]> {
  const registrations = objects.filter(({ kind }) => kind === "MutatingWebhookConfiguration");
  return Object.fromEntries(registrations.map(({ metadata, webhooks }) => [metadata.name, webhooks as Webhook[]]));
}

test("the default revision answers to istio-injection and to istio.io/rev=default", () => {
  const entries = webhooksOf(render())["outrigger-sidecar-injector"] ?? [];
  assert.deepEqual(
    entries.map(({ name }) => `${name.split(".")[0]}.${name.split(".")[1]}`),
    ["rev.namespace", "rev.object", "namespace.sidecar-injector", "object.sidecar-injector"],
  );
});

test("a named revision has its own objects, and a tag its own registration", () => {
  const objects = render({ revision: "canary", tags: ["prod", "default"] });
  const webhooks = webhooksOf(objects);
  assert.deepEqual(Object.keys(webhooks), [
    "outrigger-sidecar-injector-canary",
    "outrigger-revision-tag-prod",
    "outrigger-revision-tag-default",
  ]);
  assert.equal(webhooks["outrigger-sidecar-injector-canary"]?.length, 2);
  assert.equal(webhooks["outrigger-revision-tag-prod"]?.length, 2);
  assert.equal(webhooks["outrigger-revision-tag-default"]?.length, 4);
  for (const webhook of Object.values(webhooks).flat()) {
    assert.equal(webhook.clientConfig.service.name, "outrigger-webhook-canary");
  }
});

test("no registration matches the system's namespaces or our own, and none sets a caBundle", () => {
  const entries = Object.values(webhooksOf(render({ enableNamespacesByDefault: true, tags: ["prod"] }))).flat();
  assert.equal(entries.length, 7);
  for (const { namespaceSelector, clientConfig, reinvocationPolicy } of entries) {
    const byName = namespaceSelector.matchExpressions.filter(({ key }) => key === "kubernetes.io/metadata.name");
    assert.deepEqual(byName, [
      { key: "kubernetes.io/metadata.name", operator: "NotIn", values: [...systemNamespaces, "outrigger-system"] },
    ]);
    assert.equal(clientConfig.caBundle, undefined);
    assert.equal(reinvocationPolicy, "IfNeeded");
  }
});

test("cert-manager's and the Prometheus operator's objects are valid by their own schemas", () => {
  const models = { Certificate, Issuer, PrometheusRule, ServiceMonitor };
  const objects = render({
    certificates: { from: "cert-manager" },
    monitoring: { serviceMonitor: true, alerts: true, dashboard: true },
  });
  const seen = objects.filter((object) => object.kind in models);
  assert.equal(seen.length, 8);
  for (const object of seen) {
    const Model = models[object.kind as keyof typeof models] as new (data: unknown) => { validate(): void };
    new Model(object).validate();
  }
});

test("with cert-manager, the caBundle is injected by its annotation, and the webhook may not write it", () => {
  const objects = render({ certificates: { from: "cert-manager" } });
  const registration = objects.find(({ kind }) => kind === "MutatingWebhookConfiguration");
  assert.deepEqual(registration?.metadata.annotations, {
    "cert-manager.io/inject-ca-from": "outrigger-system/outrigger-webhook-certificate",
  });
  const role = objects.find(({ kind }) => kind === "ClusterRole");
  assert.doesNotMatch(JSON.stringify(role), /mutatingwebhookconfigurations/);
});

test("alerts are named once and say what to do", () => {
  const all = [...alerts(installSettings()), ...discoveryAlerts(installSettings())];
  assert.equal(new Set(all.map(({ alert }) => alert)).size, all.length);
  for (const { summary, description } of all) assert.ok(summary.length > 10 && description.length > 20);
});
