import assert from "node:assert/strict";
import { before, test } from "node:test";
import { createAuthority } from "../../host/x509.ts";
import { admissionEntries } from "../../mesh/admission-entries.ts";
import { podCertificate, podCertificateSource } from "../../mesh/envoy/pod-certificate.ts";
import { noClusterFacts } from "../../webhook/cluster-facts.ts";
import { injectionSettings } from "../../webhook/settings.ts";
import type { Pod, Registration } from "../cluster/list.ts";
import type { LiveRevision } from "../cluster/live-rulebooks.ts";
import { checkSnapshot } from "./check.ts";
import { codes } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

const now = new Date("2026-06-01T00:00:00Z");
const dayMs = 86_400_000;
let authority = "";
let shortLived = "";
before(async () => {
  authority = (await createAuthority({ commonName: "a", lifetimeMs: 90 * dayMs, now })).pem.certificate;
  shortLived = (await createAuthority({ commonName: "b", lifetimeMs: 2 * dayMs, now })).pem.certificate;
});

const exempt = {
  key: "kubernetes.io/metadata.name",
  operator: "NotIn",
  values: ["kube-system", "outrigger-system"],
} as const;

function registration(name: string, caBundle: string, exempting = true): Registration {
  const entries = admissionEntries({ revision: name, isDefault: name === "default" });
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: `outrigger-${name}`, labels: { "app.kubernetes.io/name": "outrigger", "istio.io/rev": name } },
    webhooks: entries.map((entry) => ({
      name: entry.name,
      clientConfig: { caBundle: Buffer.from(caBundle).toString("base64") },
      objectSelector: entry.objectSelector,
      namespaceSelector: {
        matchExpressions: [...(entry.namespaceSelector.matchExpressions ?? []), ...(exempting ? [exempt] : [])],
      },
    })),
  };
}

interface RevisionParts {
  readonly replicas?: number;
  readonly caBundle?: string;
  readonly exempting?: boolean;
  readonly registered?: boolean;
  readonly podCertificates?: boolean;
}

function revision(name: string, parts: RevisionParts = {}): LiveRevision {
  const { replicas = 2, caBundle = authority, exempting = true, registered = true } = parts;
  const podCertificateSigner = "outrigger.dev/outrigger-system";
  const discovery = { address: "discovery:15012", rootCertificates: "PEM", podCertificateSigner };
  const asking = parts.podCertificates === true ? { discovery } : {};
  const registrations = registered ? [registration(name, caBundle, exempting)] : [];
  const entries = registrations.flatMap(({ webhooks = [] }) =>
    webhooks.map((entry) => ({
      name: entry.name,
      namespaceSelector: entry.namespaceSelector ?? {},
      objectSelector: entry.objectSelector ?? {},
    })),
  );
  return {
    name,
    namespace: "outrigger-system",
    deployment: {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "outrigger-webhook", namespace: "outrigger-system" },
      spec: { template: { spec: { containers: [{ args: ["webhook", "--proxy-image=envoy:2"] }] } } },
      status: { availableReplicas: replicas },
    },
    registrations,
    rulebook: { settings: injectionSettings({ revision: name, ...asking }), facts: noClusterFacts, entries },
  };
}

/** A revision whose sidecars connect to discovery. */
function withDiscovery(roots: string | undefined, availableReplicas = 2): LiveRevision {
  const name = "outrigger-discovery";
  const metadata = { name, namespace: "outrigger-system" };
  const deployment = { apiVersion: "apps/v1", kind: "Deployment", metadata, status: { availableReplicas } };
  const text = roots === undefined ? undefined : { name: "ConfigMap", text: roots };
  return { ...revision("default"), controlPlane: { name, deployment, roots: text } };
}

function namespace(name: string, labels: Readonly<Record<string, string>> = {}) {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

function pod(name: string, image: string | undefined, annotations: Readonly<Record<string, string>> = {}): Pod {
  const sidecar = image === undefined ? [] : [{ name: "istio-proxy", image }];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "shop", annotations, labels: { "security.istio.io/tlsMode": "istio" } },
    spec: { containers: [{ name: "app", image: "app" }], initContainers: sidecar },
    status: { phase: "Running" },
  };
}

function withPodCertificate(given: Pod): Pod {
  const { volume: name, folder: mountPath } = podCertificate;
  const sources = [podCertificateSource("outrigger.dev/outrigger-system", 3600)];
  const proxy = { name: "istio-proxy", image: "envoy:2", volumeMounts: [{ name, mountPath }] };
  const spec = { ...given.spec, initContainers: [proxy], volumes: [{ name, projected: { sources } }] };
  return { ...given, spec };
}

const injected = { "sidecar.istio.io/status": "{}", "istio.io/rev": "default" };

function healthy(parts: Partial<Snapshot> = {}): Snapshot {
  const revisions = parts.revisions ?? [revision("default")];
  return {
    version: { major: "1", minor: "34", gitVersion: "v1.34.4" },
    offersPodCertificates: true,
    forbidden: [],
    revisions,
    registrations: revisions.flatMap(({ registrations }) => registrations),
    namespaces: [
      namespace("shop", { "istio-injection": "enabled" }),
      namespace("kube-system"),
      namespace("outrigger-system"),
    ],
    pods: [pod("till", "envoy:2", injected)],
    authorities: new Map([["default", authority]]),
    trials: revisions.map(() => ({ namespace: "default", outcome: "sidecar" as const })),
    ...parts,
  };
}

const found = (snapshot: Snapshot) => checkSnapshot(snapshot, now).map(({ code }) => code);

const other = (parts: object = {}): Registration => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "MutatingWebhookConfiguration",
  metadata: { name: "other" },
  webhooks: [
    {
      name: "other.example.com",
      rules: [{ apiGroups: [""], resources: ["pods"] }],
      failurePolicy: "Ignore",
      timeoutSeconds: 5,
      ...parts,
    },
  ],
});

const cases: Readonly<Record<string, readonly [snapshot: () => Snapshot, expected: readonly string[]]>> = {
  "a healthy cluster": [() => healthy(), []],
  "a cluster before the installation": [
    () => healthy({ revisions: [], registrations: [], pods: [], namespaces: [] }),
    ["OC201"],
  ],
  "an old cluster": [() => healthy({ version: { major: "1", minor: "29", gitVersion: "v1.29.0" } }), ["OC101"]],
  "missing permissions": [() => healthy({ forbidden: ["create deployments.apps"] }), ["OC102"]],
  "Pod certificates where there are none": [
    () => healthy({ revisions: [revision("default", { podCertificates: true })], offersPodCertificates: false }),
    ["OC103"],
  ],
  "a key of discovery's where kubelets make them": [
    () => healthy({ revisions: [revision("default", { podCertificates: true })] }),
    ["OC604"],
  ],
  "a key of the kubelet's": [
    () =>
      healthy({
        revisions: [revision("default", { podCertificates: true })],
        pods: [withPodCertificate(pod("till", "envoy:2", injected))],
      }),
    [],
  ],
  "no replica": [() => healthy({ revisions: [revision("default", { replicas: 0 })] }), ["OC202"]],
  "no registration": [
    () => healthy({ revisions: [revision("default", { registered: false })], namespaces: [], pods: [] }),
    ["OC203"],
  ],
  "a webhook that is not reached": [
    () => healthy({ trials: [{ namespace: "default", outcome: "no sidecar" }] }),
    ["OC204"],
  ],
  "a Pod that is refused": [
    () => healthy({ trials: [{ namespace: "default", outcome: "refused", message: "x509" }] }),
    ["OC205"],
  ],
  "an empty caBundle": [() => healthy({ revisions: [revision("default", { caBundle: "" })] }), ["OC301"]],
  "another authority": [() => healthy({ authorities: new Map([["default", shortLived]]) }), ["OC301"]],
  "an authority near its end": [
    () => healthy({ revisions: [revision("default", { caBundle: shortLived })], authorities: new Map() }),
    ["OC303"],
  ],
  "a control plane that runs": [() => healthy({ revisions: [withDiscovery(shortLived + authority)] }), []],
  "a control plane without replicas": [() => healthy({ revisions: [withDiscovery(authority, 0)] }), ["OC701"]],
  "a control plane that has published nothing": [() => healthy({ revisions: [withDiscovery(undefined)] }), ["OC702"]],
  "a root near its end": [() => healthy({ revisions: [withDiscovery(shortLived)] }), ["OC704"]],
  "our own namespaces selected": [
    () =>
      healthy({
        revisions: [revision("default", { exempting: false })],
      }),
    ["OC401", "OC402"],
  ],
  "a revision that is not installed": [
    () => healthy({ namespaces: [namespace("shop", { "istio.io/rev": "canary" })], pods: [] }),
    ["OC404"],
  ],
  "both labels": [
    () => healthy({ namespaces: [namespace("shop", { "istio-injection": "enabled", "istio.io/rev": "default" })] }),
    ["OC405"],
  ],
  "a revision that nobody asks for": [
    () =>
      healthy({
        revisions: [revision("default"), revision("canary")],
        authorities: new Map([
          ["default", authority],
          ["canary", authority],
        ]),
      }),
    ["OC406"],
  ],
  "another webhook": [() => healthy({ registrations: [other()] }), ["OC501"]],
  "timeouts that add up": [() => healthy({ registrations: [other({ timeoutSeconds: 31 })] }), ["OC501", "OC502"]],
  "webhooks that wait for each other": [
    () =>
      healthy({
        registrations: [
          other({ failurePolicy: "Fail", clientConfig: { service: { name: "o", namespace: "kube-system" } } }),
        ],
      }),
    ["OC501", "OC503", "OC504"],
  ],
  "a Pod without the sidecar it should have": [() => healthy({ pods: [pod("till", undefined)] }), ["OC601"]],
  "an old sidecar": [() => healthy({ pods: [pod("till", "envoy:1", injected)] }), ["OC602"]],
  "a sidecar of a revision that is gone": [
    () => healthy({ pods: [pod("till", "envoy:2", { ...injected, "istio.io/rev": "gone" })] }),
    ["OC603"],
  ],
};

for (const [name, [snapshot, expected]] of Object.entries(cases)) {
  test(`${name}: ${expected.join(", ") || "nothing"}`, () => assert.deepEqual(found(snapshot()), expected));
}

test("every code says what it means and what to do", () => {
  for (const { meaning, remedy } of Object.values(codes)) assert.ok(meaning.length > 10 && remedy.length > 10);
});
