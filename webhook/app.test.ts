import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fastJsonPatch from "fast-json-patch";
import pino from "pino";
import type { Pod } from "../mesh/pod.ts";
import { deploymentPod, reviewOf } from "../test/fixtures/deployment-review.ts";
import { buildApp } from "./app.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { createMetrics } from "./metrics.ts";
import { injectionSettings } from "./settings.ts";
import { createState } from "./state.ts";

const hourMs = 3_600_000;

function startApp(t: TestContext, limits: Partial<Limits> = {}) {
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
  const state = createState();
  state.settings = injectionSettings();
  state.certificate = { notBefore: new Date(0), notAfter: new Date(Date.now() + hourMs) };
  state.listening = true;
  const app = buildApp({ state, metrics: createMetrics(), log, limits: { ...defaultLimits, ...limits } });
  t.after(() => app.close());
  const post = async (body: string | Buffer | object, path = "/inject", contentType = "application/json") => {
    const payload = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const { statusCode, json, headers } = await app.inject({
      method: "POST",
      url: path,
      payload,
      headers: { "content-type": contentType },
    });
    return { code: statusCode, headers, body: json() };
  };
  const get = async (path: string) => {
    const { statusCode, body } = await app.inject({ method: "GET", url: path });
    return { code: statusCode, body };
  };
  return { app, state, post, get, log: () => lines.map((line) => JSON.parse(line)) };
}

/** The Pod as the API server has it after the patch. */
function patched(pod: Pod, response: { patch: string }): Pod {
  const operations = JSON.parse(Buffer.from(response.patch, "base64").toString());
  return fastJsonPatch.applyPatch(structuredClone(pod), operations).newDocument;
}

test("a Deployment's Pod is injected", async (t) => {
  const { post } = startApp(t);
  const { code, headers, body } = await post(reviewOf(deploymentPod));
  assert.equal(code, 200);
  assert.match(String(headers["content-type"]), /^application\/json/);
  assert.equal(body.response.allowed, true);
  assert.equal(body.response.patchType, "JSONPatch");
  assert.deepEqual(body.response.auditAnnotations, { decision: "inject", rule: "policy", revision: "default" });
  const names = patched(deploymentPod, body.response).spec.initContainers?.map(({ name }) => name);
  assert.deepEqual(names, ["istio-init", "istio-proxy"]);
});

test("the path sets the proxy's environment", async (t) => {
  const { post } = startApp(t);
  const { body } = await post(reviewOf(deploymentPod), "/inject/cluster/east");
  const proxy = patched(deploymentPod, body.response).spec.initContainers?.find(({ name }) => name === "istio-proxy");
  assert.equal(proxy?.env?.find(({ name }) => name === "ISTIO_META_CLUSTER_ID")?.value, "east");
});

test("a skipped Pod is allowed as it is, with the rule", async (t) => {
  const { post } = startApp(t);
  const pod = { ...deploymentPod, spec: { ...deploymentPod.spec, hostNetwork: true } };
  const { body } = await post(reviewOf(pod));
  const { uid, ...response } = body.response;
  assert.equal(uid, "2a4c2d0c-7f0e-4a53-9d2e-4a4e4d5b9e0a");
  assert.deepEqual(response, {
    allowed: true,
    auditAnnotations: { decision: "skip", rule: "host-network", revision: "default" },
  });
});

test("what is no creation of a Pod is left alone, and said so", async (t) => {
  const { post } = startApp(t);
  const kind = { group: "apps", version: "v1", kind: "Deployment" };
  const { code, body } = await post({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: { uid: "u", kind, operation: "UPDATE", object: {} },
  });
  assert.equal(code, 200);
  assert.equal(body.response.allowed, true);
  assert.equal(body.response.auditAnnotations.rule, "not-a-pod-creation");
  assert.match(body.response.warnings[0], /leaves alone the UPDATE of this Deployment/);
});

test("a Pod that cannot be injected as asked is denied", async (t) => {
  const { post, log } = startApp(t);
  const annotations = { "traffic.sidecar.istio.io/excludeOutboundPorts": "ssh" };
  const pod = { ...deploymentPod, metadata: { ...deploymentPod.metadata, annotations } };
  const { code, body } = await post(reviewOf(pod));
  assert.equal(code, 200);
  assert.equal(body.response.allowed, false);
  assert.match(body.response.status.message, /excludeOutboundPorts.*ssh/);
  assert.equal(log().at(-1).decision, "deny");
});

const refused: Readonly<
  Record<string, readonly [body: string | Buffer, contentType: string, code: number, says: RegExp]>
> = {
  "an empty body": ["", "application/json", 400, /body is empty/],
  "a body that is not JSON": ["{", "application/json", 400, /not JSON/],
  "another content type": ["{}", "application/yaml", 415, /content type must be application\/json/],
  "a body over the limit": [Buffer.alloc(7_000_000, " "), "application/json", 413, /larger than 6291456 bytes/],
  "another kind": ['{"kind":"Pod"}', "application/json", 400, /kind "Pod"/],
  "a value nested deeper than the stack": [
    `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":${"[".repeat(9_000)}${"]".repeat(9_000)}}}`,
    "application/json",
    400,
    /nested too deeply/,
  ],
};

for (const [name, [payload, contentType, expected, says]] of Object.entries(refused)) {
  test(`${name} is answered ${expected} as a Status`, async (t) => {
    const { post, get } = startApp(t);
    const { code, body } = await post(payload, "/inject", contentType);
    assert.equal(code, expected);
    assert.equal(body.kind, "Status");
    assert.match(body.message, says);
    assert.match((await get("/metrics")).body, new RegExp(`rejected_requests_total\\{code="${expected}"\\} 1`));
  });
}

test("a field that nobody reads may be nested as deeply as the API server allows", async (t) => {
  const { post } = startApp(t);
  const deep = `${"[".repeat(9_000)}${"]".repeat(9_000)}`;
  const review = JSON.stringify(reviewOf(deploymentPod)).replace('"priority":0', `"future":${deep}`);
  const { code, body } = await post(review);
  assert.equal(code, 200);
  assert.equal(body.response.patchType, "JSONPatch");
});

test("a request without body or content type is a 400", async (t) => {
  const { app } = startApp(t);
  const { statusCode, json } = await app.inject({ method: "POST", url: "/inject" });
  assert.equal(statusCode, 400);
  assert.match(json().message, /body is empty/);
});

test("a charset beside the content type is fine", async (t) => {
  const { post } = startApp(t);
  assert.equal((await post(reviewOf(deploymentPod), "/inject", "application/json; charset=utf-8")).code, 200);
});

test("other paths and methods are named", async (t) => {
  const { get } = startApp(t);
  const { code, body } = await get("/inject");
  assert.equal(code, 404);
  assert.match(body, /there is no GET \/inject; reviews go to POST \/inject/);
});

test("a review is refused while there is no configuration", async (t) => {
  const { post, state } = startApp(t);
  state.settings = undefined;
  assert.equal((await post(reviewOf(deploymentPod))).code, 503);
});

test("readyz tells what is missing; healthz does not change with it", async (t) => {
  const { get, state } = startApp(t);
  assert.deepEqual(await get("/readyz"), { code: 200, body: "ok\n" });
  state.draining = true;
  assert.deepEqual(await get("/readyz"), { code: 503, body: "not ready: the server is shutting down\n" });
  assert.equal((await get("/healthz")).code, 200);
});

test("a draining server answers, and closes the connection with it", async (t) => {
  const { post, state } = startApp(t);
  state.draining = true;
  const { code, headers } = await post(reviewOf(deploymentPod));
  assert.deepEqual([code, headers.connection], [200, "close"]);
});

test("the log tells a review's outcome and nothing of the Pod's inside", async (t) => {
  const { post, log } = startApp(t);
  const review = reviewOf(deploymentPod) as { request: { dryRun: boolean } };
  review.request.dryRun = true;
  await post(review);
  const { ms, time, patchBytes, ...rest } = log().at(-1);
  assert.ok(ms > 0 && time > 0 && patchBytes > 1000);
  assert.deepEqual(rest, {
    level: 30,
    msg: "reviewed",
    uid: "2a4c2d0c-7f0e-4a53-9d2e-4a4e4d5b9e0a",
    namespace: "shop",
    pod: "cart-7d4b9c6f5-",
    owner: "ReplicaSet/cart-7d4b9c6f5",
    decision: "inject",
    rule: "policy",
    dryRun: true,
  });
});

test("metrics count reviews by decision and rule", async (t) => {
  const { post, get } = startApp(t);
  await post(reviewOf(deploymentPod));
  const { body } = await get("/metrics");
  assert.match(body, /outrigger_webhook_reviews_total\{decision="inject",rule="policy"\} 1/);
  assert.match(body, /outrigger_webhook_review_duration_seconds_bucket\{le="0.0005",decision="inject"\}/);
  assert.match(body, /outrigger_webhook_patch_bytes_count 1/);
  assert.match(body, /nodejs_eventloop_lag_p99_seconds/);
  assert.match(body, /outrigger_webhook_last_review_timestamp_seconds 1\.\d+e\+09|\d{10}/);
});

test("a defect of ours is a 500 that shows nothing of its inside", async (t) => {
  const { post, state, log } = startApp(t);
  state.facts = {
    ...state.facts,
    proxyConfig: () => {
      throw new TypeError("secret inside");
    },
  };
  const { code, body } = await post(reviewOf(deploymentPod));
  assert.equal(code, 500);
  assert.doesNotMatch(body.message, /secret/);
  assert.match(log().at(-1).err.message, /secret inside/);
});
