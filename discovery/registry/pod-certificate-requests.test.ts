import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { KubeConfig } from "@kubernetes/client-node";
import type { PodCertificateRequest } from "../identity/pod-certificates/request.ts";
import { kubernetesPodCertificateRequests } from "./pod-certificate-requests.ts";

const signerName = "outrigger.dev/mesh";
const request = { metadata: { namespace: "shop", name: "r1", uid: "u1", resourceVersion: "7" }, spec: { signerName } };

/** An API server that offers the requests in these versions, and takes one answer. */
async function apiServer(t: TestContext, versions: readonly string[], answerStatus = 200) {
  const asked: string[] = [];
  const bodies: unknown[] = [];
  const list = { apiVersion: "v1", kind: "List", metadata: { resourceVersion: "7" }, items: [request] };
  const listener = createServer(async (incoming: IncomingMessage, response) => {
    const url = new URL(incoming.url ?? "", "http://api");
    const version = url.pathname.split("/")[3] ?? "";
    const isWatch = url.searchParams.get("watch") === "true";
    asked.push(`${incoming.method} ${url.pathname}${isWatch ? " watch" : ""} ${url.searchParams.get("fieldSelector")}`);
    const send = (status: number, body: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (!versions.includes(version)) return send(404, { kind: "Status", code: 404, message: "not found" });
    if (incoming.method === "PUT") {
      bodies.push(JSON.parse((await incoming.toArray()).join("")));
      return send(answerStatus, { kind: "Status", code: answerStatus });
    }
    if (url.pathname.endsWith(version)) {
      return send(200, {
        kind: "APIResourceList",
        groupVersion: version,
        resources: [{ name: "podcertificaterequests" }],
      });
    }
    if (isWatch) return response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    return send(200, list);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  t.after(() => {
    listener.closeAllConnections();
    listener.close();
  });
  const config = new KubeConfig();
  const { port } = listener.address() as AddressInfo;
  const server = { name: "test", server: `http://127.0.0.1:${port}`, skipTLSVerify: true };
  config.loadFromClusterAndUser(server, { name: "test" });
  return { config, asked, bodies, endConnections: () => listener.closeAllConnections() };
}

/** Follows until the first list, or until it is said that there is none. */
async function followed(t: TestContext, config: KubeConfig) {
  const found: string[] = [];
  const { promise, resolve } = Promise.withResolvers<readonly PodCertificateRequest[]>();
  const requests = kubernetesPodCertificateRequests({
    config,
    signerName,
    onMissing() {
      found.push("missing");
      resolve([]);
    },
    onFound: (version) => found.push(version),
    onError: (error) => found.push((error as Error).message),
  });
  const following = requests.follow(resolve);
  t.after(() => following.stop());
  return { all: await promise, found, requests };
}

const answer = { conditions: [] } as never;
const path = (version: string) => `/apis/certificates.k8s.io/${version}/podcertificaterequests`;

test("the best version that the API server offers is followed, and answered in, for the one signer", async (t) => {
  for (const [offered, taken] of [
    [["v1alpha1", "v1beta1"], "v1beta1"],
    [["v1alpha1"], "v1alpha1"],
  ] as const) {
    const { config, asked, bodies } = await apiServer(t, offered);
    const { all, found, requests } = await followed(t, config);
    assert.deepEqual(found, [taken]);
    assert.equal(all[0]?.metadata?.name, "r1");
    assert.ok(asked.includes(`GET ${path(taken)} spec.signerName=${signerName}`), asked.join("\n"));
    assert.equal(await requests.answer(request as PodCertificateRequest, answer), "written");
    const { apiVersion, kind, metadata, status } = bodies[0] as Record<string, unknown>;
    assert.deepEqual(
      { apiVersion, kind, metadata, status },
      {
        apiVersion: `certificates.k8s.io/${taken}`,
        kind: "PodCertificateRequest",
        metadata: request.metadata,
        status: answer,
      },
    );
  }
});

test("where there is none, it is said once", async (t) => {
  const { config, asked } = await apiServer(t, []);
  const { all, found } = await followed(t, config);
  assert.deepEqual(all, []);
  assert.deepEqual(found, ["missing"]);
  assert.equal(asked.length, 2);
});

test("when an upgrade takes a version away, the next one is followed", { timeout: 60_000 }, async (t) => {
  const versions = ["v1alpha1"];
  const { config, endConnections } = await apiServer(t, versions);
  const { found, requests } = await followed(t, config);
  versions.splice(0, 1, "v1beta1");
  endConnections();
  while (!found.includes("v1beta1")) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(found[0], "v1alpha1");
  assert.equal(await requests.answer(request as PodCertificateRequest, answer), "written");
});

test("an answer that comes too late is another replica's", async (t) => {
  for (const status of [409, 404]) {
    const { config } = await apiServer(t, ["v1beta1"], status);
    const { requests } = await followed(t, config);
    assert.equal(await requests.answer(request as PodCertificateRequest, answer), "taken");
  }
});

test("a refusal is an error", async (t) => {
  const { config } = await apiServer(t, ["v1beta1"], 403);
  const { requests } = await followed(t, config);
  await assert.rejects(requests.answer(request as PodCertificateRequest, answer));
});
