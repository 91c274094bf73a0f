import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { execa } from "execa";
import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { type Cluster, connect } from "./cluster.ts";
import { installed, systemNamespace } from "./installed.ts";
import { containerNames, type Pod } from "./pod.ts";
import { until } from "./waiting.ts";
import { appPod } from "./workload.ts";

// `outrigger explain` and `outrigger check` against what the cluster really does.

const outrigger = join(import.meta.dirname, "..", "..", "bin", "outrigger");
let cluster: Cluster;
before(async () => {
  cluster = await connect();
  await installed(cluster);
});

function run(...args: readonly string[]) {
  return execa(outrigger, args, { reject: false, timeout: 120_000 });
}

interface Explanation {
  readonly call: { readonly called: boolean; readonly entry?: { readonly name: string } };
}

type Labels = Readonly<Record<string, string>>;

const cases: readonly { readonly name: string; readonly namespace?: Labels; readonly pod?: Labels }[] = [
  { name: "a labelled namespace", namespace: { "istio-injection": "enabled" } },
  { name: "nobody says anything" },
  {
    name: "the Pod opts out",
    namespace: { "istio-injection": "enabled" },
    pod: { "sidecar.istio.io/inject": "false" },
  },
  { name: "the Pod opts in", pod: { "sidecar.istio.io/inject": "true" } },
  { name: "a revision", namespace: { "istio.io/rev": "default" } },
  { name: "a revision that is not there", namespace: { "istio.io/rev": "none" } },
  {
    name: "the label has a value of no meaning",
    namespace: { "istio-injection": "enabled" },
    pod: { "sidecar.istio.io/inject": "yes" },
  },
];

for (const { name, namespace: labels, pod: podLabels } of cases) {
  test(`explain says what the API server did: ${name}`, async (t) => {
    const namespace = await cluster.namespace(t, labels);
    const { object } = await cluster.create<Pod>(appPod(namespace, "one", { labels: podLabels ?? {} }));
    const wasInjected = containerNames(object).includes("istio-proxy");
    const text = await run("explain", "pod", "one", "--namespace", namespace);
    assert.equal(text.exitCode, 0, text.stderr);
    assert.match(text.stdout, wasInjected ? /keeps its sidecar/ : /gets no sidecar/);
    const json = await run("explain", "pod", "one", "--namespace", namespace, "--output", "json");
    const [explanation] = JSON.parse(json.stdout) as Explanation[];
    assert.equal(explanation?.call.called, wasInjected);
  });
}

test("the change that explain proposes does turn it around", async (t) => {
  const namespace = await cluster.namespace(t);
  await cluster.create<Pod>(appPod(namespace, "one"));
  const { stdout } = await run("explain", "pod", "one", "--namespace", namespace);
  const [, label = "", value = ""] = /set the Pod's label (\S+): "(\S+)"/.exec(stdout) ?? [];
  const { object } = await cluster.create<Pod>(appPod(namespace, "two", { labels: { [label]: value } }));
  assert.ok(containerNames(object).includes("istio-proxy"), stdout);
});

interface Finding {
  readonly code: string;
  readonly object: string;
}

async function findings(): Promise<{ exitCode: number | undefined; found: Finding[] }> {
  const { stdout, stderr, exitCode } = await run("check", "--output", "json");
  assert.notEqual(stdout, "", stderr);
  return { exitCode, found: JSON.parse(stdout) as Finding[] };
}

const codesOf = (found: readonly Finding[], object: string) =>
  found.filter((finding) => finding.object.includes(object)).map(({ code }) => code);

test("check has nothing to say of a fresh installation, and finds a Pod that lacks its sidecar", async (t) => {
  const healthy = await findings();
  assert.equal(healthy.exitCode, 0);
  assert.deepEqual(codesOf(healthy.found, "outrigger"), []);

  const namespace = await cluster.namespace(t);
  await cluster.create<Pod>(appPod(namespace, "early"));
  const labels = { "istio-injection": "enabled" };
  await cluster.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } }]);
  const { found, exitCode } = await findings();
  assert.deepEqual(codesOf(found, namespace), ["OC601"]);
  assert.equal(exitCode, 0, "a warning is no error");
});

test("check finds a registration that has lost its trust, and a namespace that asks for nobody", async (t) => {
  const registration: KubernetesObject = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: "outrigger-sidecar-injector" },
  };
  t.after(() => installed(cluster));
  await cluster.delete(registration);
  const namespace = await cluster.namespace(t, { "istio-injection": "enabled" });
  const { found, exitCode } = await findings();
  assert.equal(exitCode, 1);
  assert.deepEqual(codesOf(found, `Deployment ${systemNamespace}/outrigger-webhook`), ["OC203"]);
  assert.deepEqual(codesOf(found, namespace), ["OC404"]);
});

test("check finds a control plane without replicas", async (t) => {
  const path = `/apis/apps/v1/namespaces/${systemNamespace}/deployments/outrigger-discovery/scale`;
  t.after(() => installed(cluster));
  const body = { spec: { replicas: 0 } };
  await cluster.api.request({ method: "PATCH", path, body, contentType: "application/merge-patch+json" });
  const object = `Deployment ${systemNamespace}/outrigger-discovery`;
  const { exitCode } = await until("a finding", async () => {
    const now = await findings();
    return codesOf(now.found, object).includes("OC701") && now;
  });
  assert.equal(exitCode, 1);
});

test("check finds a webhook of somebody else's that could lock us, and itself, out", async (t) => {
  const foreign: KubernetesObject = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: "foreign-lock-out" },
    webhooks: [
      {
        name: "foreign.example.com",
        clientConfig: { service: { name: "foreign", namespace: "kube-public", path: "/" } },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] }],
        // Nobody's Pods have this label: it is registered, and never called.
        objectSelector: { matchLabels: { "foreign-injection": "nobody" } },
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        failurePolicy: "Fail",
      },
    ],
  };
  t.after(() => cluster.delete(foreign));
  await cluster.apply([foreign]);
  const { found } = await findings();
  assert.deepEqual(codesOf(found, foreign.metadata.name), ["OC503", "OC504"]);
});
