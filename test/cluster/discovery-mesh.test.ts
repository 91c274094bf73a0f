import assert from "node:assert/strict";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { execa } from "execa";
import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { objectPath } from "../../deploy/cluster/resources.ts";
import { type Cluster, connect } from "./cluster.ts";
import { installed, systemNamespace } from "./installed.ts";
import type { Pod } from "./pod.ts";
import { readyPods } from "./ready-pods.ts";
import { type Requests, startRequests } from "./requests.ts";
import { get, requestSeen } from "./traffic.ts";
import { until } from "./waiting.ts";
import { appDeployment, appPod, appService } from "./workload.ts";

// A labelled namespace is a mesh, with the discovery that the installation brings, while requests go all the time.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
  await installed(cluster);
});

async function kill(pod: Pod): Promise<void> {
  const path = await objectPath(cluster.api, pod);
  await cluster.api.request({ method: "DELETE", path, body: { gracePeriodSeconds: 0 } });
}

async function outrigger(...args: readonly string[]): Promise<string> {
  const command = join(import.meta.dirname, "..", "..", "bin", "outrigger");
  return (await execa(command, args, { reject: false })).stdout;
}

/** Two Pods of a server that has an identity of its own, and a client. */
async function mesh(t: TestContext): Promise<{ namespace: string; requests: Requests; servers: Pod[] }> {
  const namespace = await cluster.namespace(t, { "istio-injection": "enabled" });
  await cluster.apply([
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "server", namespace } },
    appDeployment(namespace, "server", { replicas: 2, spec: { serviceAccountName: "server" } }),
    appService(namespace, "server"),
  ]);
  const servers = await readyPods(cluster, { namespace, labels: "app=server", count: 2 });
  const requests = await startRequests(cluster, namespace);
  await until("answers of both Pods", async () => new Set((await requests.more()).answered).size === 2);
  return { namespace, requests, servers };
}

test("real Pods of a labelled namespace are a mesh", async (t) => {
  const { namespace, requests, servers } = await mesh(t);

  await t.test("requests are spread over Pods, in mutual TLS, and the server is told who asks", async () => {
    const { answered, failed } = await requests.more(60);
    assert.deepEqual(failed, []);
    assert.deepEqual(new Set(answered), new Set(servers.map(({ metadata }) => metadata.name)));
    const { headers } = requestSeen(await get(cluster, requests.client, `http://server.${namespace}/`));
    const [certificate = ""] = headers["X-Forwarded-Client-Cert"] ?? [];
    assert.match(certificate, new RegExp(`URI=spiffe://cluster.local/ns/${namespace}/sa/default`));
  });

  await t.test("people see it", async () => {
    // Namespaces of other specs go meanwhile: what that changes is on its way at any moment.
    const inSync = new RegExp(`client\\.${namespace} +SYNCED +SYNCED +SYNCED +SYNCED +SYNCED`);
    await until("client in sync", async () => inSync.test(await outrigger("proxy-status")));
    const clusters = await outrigger("proxy-config", `client.${namespace}`, "clusters");
    assert.match(
      clusters,
      new RegExp(`server\\.${namespace}\\.svc\\.cluster\\.local +80 +- +outbound +EDS +mutual TLS`),
    );
  });

  await t.test("a killed Pod is left out, and the one in its place joins", async () => {
    const [victim] = servers;
    assert.ok(victim !== undefined);
    await kill(victim);
    // A request that it was answering is lost.
    const during = await requests.more(10);
    assert.ok(during.failed.length <= 1, during.failed.join("\n"));
    const [, other] = servers;
    const now = await readyPods(cluster, { namespace, labels: "app=server", count: 2 });
    const newcomer = now.find(({ metadata }) => metadata.name !== other?.metadata.name)?.metadata.name ?? "";
    const answered: string[] = [];
    await until("answers of the new Pod", async () => {
      const some = await requests.more();
      assert.deepEqual(some.failed, []);
      answered.push(...some.answered);
      return answered.includes(newcomer);
    });
    assert.ok(!answered.includes(victim.metadata.name));
  });

  await t.test("STRICT refuses who is not in the mesh", async (t) => {
    const outside = await cluster.namespace(t);
    await cluster.apply([appPod(outside, "stranger")]);
    const stranger = await cluster.readyPod(outside, "app=stranger");
    await get(cluster, stranger, `http://server.${namespace}/`);
    await requests.since();
    const policy: KubernetesObject = {
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: { name: "default", namespace },
      spec: { mtls: { mode: "STRICT" } },
    };
    await cluster.apply([policy]);
    await until("refusal", async () => {
      const { exitCode } = await cluster.exec(stranger, "app", "app", "get", `http://server.${namespace}/`);
      return exitCode !== 0;
    });
    assert.deepEqual((await requests.more()).failed, []);
    await cluster.delete(policy);
    await get(cluster, stranger, `http://server.${namespace}/`);
    assert.deepEqual((await requests.more()).failed, []);
  });

  await t.test("discovery's own root is replaced, new Pods know both, and no request fails", async () => {
    const named = (kind: string, name: string) => ({
      apiVersion: "v1",
      kind,
      metadata: { name, namespace: systemNamespace },
    });
    const published = async () => {
      const map = await cluster.read<KubernetesObject & { data: Record<string, string> }>(
        named("ConfigMap", "outrigger-discovery"),
      );
      return map?.data["discovery-ca-cert.pem"] ?? "";
    };
    const old = await published();
    await requests.since();
    await cluster.delete(named("Secret", "outrigger-discovery-ca"));
    const both = await until("both roots are published", async () => {
      const roots = await published();
      return roots !== old && roots.endsWith(old) && roots;
    });
    const [, newLine = ""] = both.split("\n");
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const query = { dryRun: "All" };
    // The kubelet brings the ConfigMap to the webhook within a minute or so.
    await until(
      "a new Pod knows the new root",
      async () => {
        const { body } = await cluster.api.request({ method: "POST", path, query, body: appPod(namespace, "unborn") });
        return JSON.stringify(body).includes(newLine);
      },
      { timeoutMs: 180_000 },
    );
    await cluster.apply([appDeployment(namespace, "server", { replicas: 3, spec: { serviceAccountName: "server" } })]);
    const pods = await readyPods(cluster, { namespace, labels: "app=server", count: 3 });
    await until("answers of all, of either root", async () => {
      const { answered, failed } = await requests.more();
      assert.deepEqual(failed, []);
      return new Set(answered).size === pods.length;
    });
  });

  await t.test("replicas of discovery are killed one after the other, and no request fails", async () => {
    const labels = "app=outrigger-discovery";
    await requests.since();
    for (const replica of await readyPods(cluster, { namespace: systemNamespace, labels, count: 2 })) {
      await kill(replica);
      await cluster.apply([appService(namespace, `alias-${replica.metadata.name.slice(-5)}`)]);
      await readyPods(cluster, { namespace: systemNamespace, labels, count: 2 });
    }
    await cluster.apply([
      {
        ...appService(namespace, "late"),
        spec: { selector: { app: "server" }, ports: [{ name: "http", port: 81, targetPort: 8080 }] },
      },
    ]);
    const { headers } = requestSeen(
      await get(cluster, requests.client, "http://8.8.8.8:81/", "-header", `Host: late.${namespace}`),
    );
    assert.ok(headers["X-Forwarded-Client-Cert"] !== undefined);
    assert.deepEqual((await requests.more()).failed, []);
  });
});
