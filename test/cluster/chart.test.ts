import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { execa } from "execa";
import { parse } from "yaml";
import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { chartFolder } from "../../deploy/helm/chart.ts";
import { manifests } from "../../deploy/manifests/manifests.ts";
import { type InstallInput, installSettings } from "../../deploy/settings.ts";
import { parseObjects } from "./cluster.ts";
import { companionBinaries } from "./machine/binaries.ts";

// The Helm chart renders, by Helm's own engine, to the objects that `outrigger install` applies.

const namespace = "mesh";

async function helmTemplate(values: unknown) {
  const binaries = await companionBinaries();
  const folder = await mkdtemp(join(tmpdir(), "outrigger-chart-"));
  try {
    const file = join(folder, "values.yaml");
    await writeFile(file, JSON.stringify(values));
    const args = ["helm-template", chartFolder, file, namespace];
    return await execa(join(binaries, "companions"), args, { reject: false });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** By kind and name, and an empty list or `data` like none: the chart's templates do not leave keys out. */
function comparable(objects: readonly KubernetesObject[]): Record<string, unknown> {
  const entries = objects.map((object) => [`${object.kind} ${object.metadata.name}`, withoutEmpty(object)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  const isEmpty = (key: string, child: unknown) =>
    child === null ||
    (Array.isArray(child) && child.length === 0) ||
    (key === "data" && Object.keys(child as object).length === 0);
  const kept = Object.entries(value).filter(([key, child]) => !isEmpty(key, child));
  return Object.fromEntries(kept.map(([key, child]) => [key, withoutEmpty(child)]));
}

const issuer = { kind: "ClusterIssuer", name: "internal" } as const;
const cases: Readonly<Record<string, InstallInput>> = {
  "the defaults": {},
  "cert-manager with its own root": { certificates: { from: "cert-manager" } },
  "cert-manager with an issuer of the user's": { certificates: { from: "cert-manager", issuer } },
  "a named revision with tags": { revision: "canary", tags: ["prod", "default"] },
  "every namespace by default": { enableNamespacesByDefault: true, tags: ["stable"] },
  "all options on": {
    monitoring: { serviceMonitor: true, alerts: true, dashboard: true },
    images: { pullSecrets: ["registry", "mirror"], pullPolicy: "Always" },
  },
  "a configuration of the injection's": {
    injection: { configuration: { mesh: "enablePrometheusMerge: false\n", values: "global:\n  proxy: {}\n" } },
  },
  OpenShift: { injection: { platform: "openshift" } },
  "OpenShift, a named revision, cert-manager's certificate": {
    injection: { platform: "openshift" },
    revision: "canary",
    certificates: { from: "cert-manager" },
  },
  "all options off": { networkPolicy: false, sidecarPolicy: false },
  "other values": {
    webhook: {
      failurePolicy: "Fail",
      timeoutSeconds: 9,
      replicas: { minimum: 3, maximum: 9 },
      resources: { requests: { cpu: "1" }, limits: { memory: "1Gi" } },
      priorityClassName: "mesh",
      logLevel: "debug",
    },
  },
  "no control plane": { discovery: { enabled: false }, monitoring: { serviceMonitor: true } },
  "Istio's proxy": { injection: { profile: "istio" } },
  "keys that kubelets make": { discovery: { podCertificates: true }, sidecarPolicy: false },
  "a control plane, all set": {
    revision: "canary",
    monitoring: { serviceMonitor: true },
    discovery: {
      domain: "cluster.example",
      trustDomain: "mesh.example",
      exportTo: ".,shared",
      localityLbSetting: { failover: [{ from: "us-east", to: "us-west" }] },
      outboundTrafficPolicy: "REGISTRY_ONLY",
      accessLog: "json",
      podCertificates: true,
      tracing: { collector: "collector.observability.svc.cluster.local:4317", samplingPercent: 0.5 },
      replicas: { minimum: 3, maximum: 9 },
      resources: { requests: { cpu: "1" }, limits: { memory: "1Gi" } },
      priorityClassName: "mesh",
      logLevel: "debug",
    },
  },
  "capture from the node": { cni: { enabled: true } },
  "capture from the node, all else set": {
    cni: {
      enabled: true,
      namespace: "node-agents",
      excludeNamespaces: ["kube-system", "monitoring"],
      nativeNftables: true,
      repair: "delete",
      removeTaint: true,
      directories: { plugins: "/var/lib/cni/bin", run: "/var/run/outrigger-cni" },
      logLevel: "debug",
    },
  },
  "capture from the node by another revision": { revision: "canary", cni: { enabled: true, agent: false } },
  "labelled for repair": { cni: { enabled: true, repair: "label" } },
};

for (const [name, input] of Object.entries(cases)) {
  test(`the chart makes what install applies: ${name}`, async () => {
    const rendered = await helmTemplate(input);
    assert.equal(rendered.exitCode, 0, rendered.stderr);
    // Helm makes the release's namespace itself, and definitions from a folder of their own.
    const isHelms = ({ kind, metadata }: KubernetesObject) =>
      (kind === "Namespace" && metadata.name === namespace) || kind === "CustomResourceDefinition";
    const wanted = manifests(installSettings({ ...input, namespace })).filter((object) => !isHelms(object));
    assert.deepEqual(comparable(parseObjects(rendered.stdout)), comparable(wanted));
  });
}

test("a value cannot become structure", async () => {
  const hostile = 'x"\n  privileged: true\nkey: "{{ .Release.Name }}';
  const rendered = await helmTemplate({ webhook: { priorityClassName: hostile } });
  assert.equal(rendered.exitCode, 0, rendered.stderr);
  const deployment = parseObjects(rendered.stdout).find(
    ({ kind, metadata }) => kind === "Deployment" && metadata.name === "outrigger-webhook",
  );
  assert.ok(deployment !== undefined);
  const { template } = deployment.spec as { template: { spec: { priorityClassName: string } } };
  assert.equal(template.spec.priorityClassName, hostile);
});

test("the chart's schema refuses what install refuses", async () => {
  for (const values of [{ colour: "red" }, { webhook: { timeoutSeconds: 99 } }, { revision: "Not_DNS" }]) {
    assert.throws(() => installSettings(values));
    const rendered = await helmTemplate(values);
    assert.notEqual(rendered.exitCode, 0, JSON.stringify(values));
  }
});

test("values.yaml has every setting with its default", async () => {
  const { namespace: _, ...defaults } = installSettings();
  assert.deepEqual(parse(await readFile(join(chartFolder, "values.yaml"), "utf8")), defaults);
});
