import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { after, before, test } from "node:test";
import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { objectPath } from "../../deploy/cluster/resources.ts";
import { uninstall } from "../../deploy/install/uninstall.ts";
import { withCertManager } from "./cert-manager.ts";
import { type Cluster, connect } from "./cluster.ts";
import { installed, systemNamespace } from "./installed.ts";
import { containerNames, type Pod } from "./pod.ts";
import { streamPods } from "./pod-stream.ts";
import { until } from "./waiting.ts";
import { appPod } from "./workload.ts";

// The webhook's certificate from cert-manager: issued, trusted, and renewed while Pods are made.

const revision = "cert-manager";
let cluster: Cluster;
let endCertManager: () => Promise<void> = async () => {};
before(async () => {
  cluster = await connect();
  if (cluster.machine === undefined) return;
  endCertManager = await withCertManager(cluster);
  await installed(cluster, { revision, certificates: { from: "cert-manager" } });
});
after(async () => {
  if (cluster.machine === undefined) return;
  await uninstall(cluster.api, { namespace: systemNamespace, revision, report: () => {}, timeoutMs: 120_000 });
  await endCertManager();
});

const reason = "only the test machine starts cert-manager";

interface Registration extends KubernetesObject {
  readonly webhooks: readonly { readonly clientConfig: { readonly caBundle: string } }[];
}

function named(apiVersion: string, kind: string, name: string): KubernetesObject {
  return { apiVersion, kind, metadata: { name, namespace: systemNamespace } };
}

const secretName = `outrigger-webhook-${revision}-certificate`;

async function issuedCertificate(): Promise<X509Certificate> {
  const secret = await cluster.read(named("v1", "Secret", secretName));
  const data = secret?.data as Record<string, string> | undefined;
  return new X509Certificate(Buffer.from(data?.["tls.crt"] ?? "", "base64"));
}

test("cert-manager's certificate is served, its authority trusted, and Pods are injected", async (t) => {
  if (cluster.machine === undefined) return t.skip(reason);
  const registration = await cluster.read<Registration>({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: `outrigger-sidecar-injector-${revision}` },
  });
  const certificate = await issuedCertificate();
  for (const { clientConfig } of registration?.webhooks ?? []) {
    const authority = new X509Certificate(Buffer.from(clientConfig.caBundle, "base64"));
    assert.ok(certificate.verify(authority.publicKey));
  }
  const namespace = await cluster.namespace(t, { "istio.io/rev": revision });
  const { object } = await cluster.create<Pod>(appPod(namespace, "one"));
  assert.ok(containerNames(object).includes("istio-proxy"));
});

/** The kubelet brings a Secret's new content to a Pod's files within some 90 seconds, and at once when the Pod changes. */
async function nudgeKubelet(pod: Pod): Promise<void> {
  const path = await objectPath(cluster.api, pod);
  const body = { metadata: { annotations: { "test.outrigger.dev/nudged": new Date().toISOString() } } };
  await cluster.api.request({ method: "PATCH", path, body, contentType: "application/merge-patch+json" });
}

test("a renewed certificate is taken over without a restart, and no Pod is lost", async (t) => {
  if (cluster.machine === undefined) return t.skip(reason);
  const before = await issuedCertificate();
  const namespace = await cluster.namespace(t, { "istio.io/rev": revision });
  const stream = streamPods(cluster, namespace);
  t.after(() => stream.stop());

  // As `cmctl renew` does.
  const certificate = named("cert-manager.io/v1", "Certificate", secretName);
  const path = `/apis/cert-manager.io/v1/namespaces/${systemNamespace}/certificates/${secretName}/status`;
  const live = await cluster.read(certificate);
  const { conditions = [] } = (live?.status ?? {}) as { conditions?: { type: string }[] };
  const issuing = { type: "Issuing", status: "True", reason: "ManuallyTriggered", message: "renewed by a test" };
  const body = { status: { conditions: [...conditions.filter(({ type }) => type !== "Issuing"), issuing] } };
  await cluster.api.request({ method: "PATCH", path, body, contentType: "application/merge-patch+json" });
  const renewed = await until("renewed certificate", async () => {
    const now = await issuedCertificate();
    return now.serialNumber !== before.serialNumber && now;
  });

  const serial = renewed.fingerprint256;
  const pods = await cluster.list<Pod>("v1", "Pod", {
    namespace: systemNamespace,
    labels: `app=outrigger-webhook,istio.io/rev=${revision}`,
  });
  assert.ok(pods.length >= 2);
  for (const pod of pods) {
    await until(
      `renewed certificate in ${pod.metadata.name}`,
      async () => {
        await nudgeKubelet(pod);
        return (await cluster.logs(pod, "webhook")).includes(serial);
      },
      { timeoutMs: 240_000, intervalMs: 1_000 },
    );
    const now = await cluster.read<Pod>(pod);
    assert.equal(now?.status.containerStatuses?.[0]?.restartCount, 0);
  }
  const { created, failed, missed } = await stream.stop();
  t.diagnostic(`${created} Pods were made meanwhile`);
  assert.deepEqual(failed, []);
  assert.deepEqual(missed, []);
});
