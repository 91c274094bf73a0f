import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { before, type TestContext, test } from "node:test";
import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { startCommand, type WebhookCommand, webhookClient } from "../sandbox/webhook-process.ts";
import { type Cluster, connect } from "./cluster.ts";
import { until } from "./waiting.ts";

// The certificate that the webhook makes itself, against a real API server: authority in a Secret, registrations that
// come to trust it, replicas that share it, and its renewal.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
});

interface Registration extends KubernetesObject {
  readonly webhooks: readonly { readonly name: string; readonly clientConfig: { readonly caBundle?: string } }[];
}

/** A registration of a revision of its own, which no namespace asks for. */
function registration(revision: string, annotations: Readonly<Record<string, string>> = {}): KubernetesObject {
  const webhook = (name: string) => ({
    name,
    clientConfig: { service: { name: "outrigger-webhook", namespace: "default", path: "/inject" } },
    admissionReviewVersions: ["v1"],
    sideEffects: "None",
    failurePolicy: "Ignore",
    rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] }],
    namespaceSelector: { matchLabels: { "istio.io/rev": revision } },
  });
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: {
      name: `outrigger-${revision}`,
      labels: { "app.kubernetes.io/name": "outrigger", "istio.io/rev": revision },
      annotations,
    },
    webhooks: [webhook("one.sidecar-injector.istio.io"), webhook("two.sidecar-injector.istio.io")],
  };
}

async function bundlesOf(object: KubernetesObject): Promise<string[]> {
  const found = await cluster.read<Registration>(object);
  return (found?.webhooks ?? []).map(({ clientConfig }) =>
    Buffer.from(clientConfig.caBundle ?? "", "base64").toString("utf8"),
  );
}

const host = (namespace: string) => `outrigger-webhook.${namespace}.svc`;

function startReplica(
  t: TestContext,
  namespace: string,
  pod: string,
  flags: readonly string[],
): Promise<WebhookCommand> {
  const own = ["--self-managed-certificate", "--revision", namespace];
  return startCommand(t, [...own, ...flags], { POD_NAMESPACE: namespace, POD_NAME: pod });
}

async function setUp(t: TestContext, annotations?: Readonly<Record<string, string>>) {
  const namespace = await cluster.namespace(t);
  const object = registration(namespace, annotations);
  t.after(() => cluster.delete(object));
  await cluster.apply([object]);
  return { namespace, object };
}

test("replicas share one authority, and every registration comes to trust it", async (t) => {
  const { namespace, object } = await setUp(t);
  const replicas = await Promise.all([
    startReplica(t, namespace, "one", []),
    startReplica(t, namespace, "two", []),
    startReplica(t, namespace, "three", []),
  ]);
  const created = replicas
    .flatMap(({ log }) => log)
    .filter(({ msg, step }) => msg === "authority" && step === "create");
  assert.equal(created.length, 1, "one replica creates the authority");

  const [first = "", second] = await until("both entries to trust it", async () => {
    const bundles = await bundlesOf(object);
    return bundles.every((bundle) => bundle !== "") && bundles;
  });
  assert.equal(first, second);
  for (const { port } of replicas) {
    // A replica compares with what it has seen of the registration, which may come a moment later.
    await until("the replica to see that it is trusted", async () => {
      const { code, body } = await webhookClient(port, first, host(namespace)).get("/readyz");
      return code === 200 && body === "ok\n";
    });
  }

  // A registration that comes later, and one whose bundle somebody broke, are mended.
  await cluster.delete(object);
  await cluster.apply([object]);
  await until("the new registration to trust it", async () => (await bundlesOf(object)).every((pem) => pem === first));
});

test("a caBundle that cert-manager keeps is left alone, and readyz says that it does not fit", async (t) => {
  const { namespace, object } = await setUp(t, { "cert-manager.io/inject-ca-from": "default/elsewhere" });
  const { port } = await startReplica(t, namespace, "one", []);
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "outrigger-webhook-authority", namespace } };
  const found = await cluster.read<KubernetesObject & { data: Record<string, string> }>(secret);
  const ca = Buffer.from(found?.data["ca.crt"] ?? "", "base64").toString("utf8");
  const answer = await until("readyz to compare", async () => {
    const ready = await webhookClient(port, ca, host(namespace)).get("/readyz");
    return ready.code === 503 && ready;
  });
  assert.match(answer.body, new RegExp(`authority is not in the caBundle of outrigger-${namespace}`));
  assert.deepEqual(await bundlesOf(object), ["", ""]);
});

test("authorities are renewed with an overlap, and no client is ever refused", { timeout: 300_000 }, async (t) => {
  const { namespace, object } = await setUp(t);
  const quick = ["--authority-lifetime", "18s", "--authority-overlap", "3s", "--certificate-lifetime", "5s"];
  const replicas = await Promise.all([
    startReplica(t, namespace, "one", quick),
    startReplica(t, namespace, "two", quick),
  ]);
  const [first = ""] = await until("the registration to trust it", async () => {
    const bundles = await bundlesOf(object);
    return bundles.every((bundle) => bundle !== "") && bundles;
  });
  const authorities = new Set<string>();
  let known = first;
  let asked = 0;
  // Until the authority that signs has changed twice: what the API server knew a moment ago is what it checks with.
  while (authorities.size < 3) {
    for (const { port } of replicas) {
      const { code } = await webhookClient(port, known, host(namespace)).get("/healthz");
      assert.equal(code, 200);
      asked += 1;
    }
    known = (await bundlesOf(object))[0] ?? "";
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "outrigger-webhook-authority", namespace } };
    const found = await cluster.read<KubernetesObject & { data: Record<string, string> }>(secret);
    authorities.add(new X509Certificate(Buffer.from(found?.data["tls.crt"] ?? "", "base64")).fingerprint256);
  }
  assert.ok(asked > 50, `${asked} handshakes`);
  const steps = (name: string) =>
    replicas.flatMap(({ log }) => log).filter(({ msg, step }) => msg === "authority" && step === name).length;
  await until("the second promotion's log line", async () => steps("promote") === 2);
  assert.equal(steps("create"), 1);
});
