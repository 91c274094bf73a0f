import assert from "node:assert/strict";
import { before, test } from "node:test";
import { createAuthority, issueServingCertificate } from "../../host/x509.ts";
import { type Cluster, connect } from "./cluster.ts";
import { appImage } from "./images.ts";
import { installed } from "./installed.ts";
import { containerNames, type Pod } from "./pod.ts";
import { until } from "./waiting.ts";
import { appPod, appService } from "./workload.ts";

// Next to somebody else's mutating webhook, whichever of the two is called first.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
  await installed(cluster);
});

const hourMs = 60 * 60 * 1000;

/** Runs a foreign injector in a namespace and registers it under a name, which decides the order, for the labelled. */
async function foreignWebhook(namespace: string, name: string, label: string) {
  const authority = await createAuthority({ commonName: "foreign", lifetimeMs: hourMs });
  const host = `foreign.${namespace}.svc`;
  const pair = await issueServingCertificate(authority, { names: { dns: [host] }, lifetimeMs: hourMs });
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const args = ["admission", "-cert", "/tls/tls.crt", "-key", "/tls/tls.key", "-image", appImage];
  const pod = appPod(namespace, "foreign", {
    container: {
      args,
      ports: [],
      readinessProbe: { httpGet: { path: "/healthz", port: 8443, scheme: "HTTPS" }, periodSeconds: 1 },
      volumeMounts: [{ name: "tls", mountPath: "/tls" }],
    },
    spec: { volumes: [{ name: "tls", secret: { secretName: "tls" } }] },
  });
  const service = appService(namespace, "foreign");
  await cluster.apply([
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "tls", namespace },
      type: "kubernetes.io/tls",
      data: { "tls.crt": base64(pair.certificate), "tls.key": base64(pair.privateKey) },
    },
    pod,
    { ...service, spec: { selector: { app: "foreign" }, ports: [{ port: 443, targetPort: 8443 }] } },
  ]);
  await cluster.readyPod(namespace, "app=foreign");
  const registration = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name },
    webhooks: [
      {
        name: "foreign.example.com",
        clientConfig: {
          service: { name: "foreign", namespace, path: "/" },
          caBundle: base64(authority.pem.certificate),
        },
        rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] }],
        namespaceSelector: { matchLabels: { "foreign-injection": label } },
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        reinvocationPolicy: "IfNeeded",
        failurePolicy: "Fail",
      },
    ],
  };
  await cluster.apply([registration]);
  return registration;
}

for (const [order, name] of [
  ["before", "a-foreign-webhook"],
  ["after", "z-foreign-webhook"],
] as const) {
  test(`a webhook that is called ${order} ours adds a container, and the Pod has one sidecar and runs`, async (t) => {
    const system = await cluster.namespace(t);
    const registration = await foreignWebhook(system, name, order);
    t.after(() => cluster.delete(registration));
    const namespace = await cluster.namespace(t, { "istio-injection": "enabled", "foreign-injection": order });
    const probe = { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 1 };
    const pod = await until("Pod of both injectors", async () => {
      const { object } = await cluster.create<Pod>(appPod(namespace, "one", { container: { readinessProbe: probe } }));
      if (containerNames(object).includes("foreign")) return object;
      await cluster.delete(object);
      await until("deleted Pod", async () => (await cluster.read(object)) === undefined);
      return undefined;
    });
    assert.deepEqual(containerNames(pod), ["istio-init", "istio-proxy", "app", "foreign"]);
    const running = await cluster.readyPod(namespace, "app=one");
    const result = await cluster.exec(running, "foreign", "app", "get", "http://127.0.0.1:18080/");
    assert.equal(result.exitCode, 0, result.stderr);
  });
}
