import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import type { Pod } from "../../mesh/pod.ts";
import { reviewOf } from "../fixtures/deployment-review.ts";
import { startWebhook } from "./webhook-process.ts";

// What an author probably meant otherwise is said to whoever creates the Pod: by kubectl, and by `outrigger inject`.

const outrigger = join(import.meta.dirname, "../../bin/outrigger");

const pod = (metadata: object = {}, spec: object = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "till", namespace: "shop", ...metadata },
  spec: { containers: [{ name: "till", image: "till:1" }], ...spec },
});

const cases: Readonly<Record<string, readonly [pod: Pod, warning: RegExp]>> = {
  "inject: yes": [
    pod({ labels: { "sidecar.istio.io/inject": "yes" } }),
    /sidecar\.istio\.io\/inject.*"yes" is neither "true" nor "false"/,
  ],
  "an annotation where only a label works": [
    pod({ annotations: { "istio.io/rev": "canary" } }),
    /annotation istio\.io\/rev has no effect: it must be a label/,
  ],
  "the proxy's user for the application": [
    pod({}, { securityContext: { runAsUser: 1337 } }),
    /container till runs as user 1337, the proxy's: its traffic bypasses the mesh/,
  ],
  "a probe of a port that nobody has": [
    pod({}, { containers: [{ name: "till", image: "till:1", livenessProbe: { httpGet: { port: "web" } } }] }),
    /livenessProbe of container till names the port "web", which the container does not have/,
  ],
  "the name of an injected volume": [
    pod({}, { volumes: [{ name: "workload-socket", csi: { driver: "csi.spiffe.io" } }] }),
    /volume workload-socket has the name of one that injection adds/,
  ],
};

test("each warning reaches the author, by the webhook and by hand", async (t) => {
  // Only Istio's sidecar has volumes of its own. That it listens is said at every level.
  const webhook = await startWebhook(t, ["--profile", "istio", "--log-level", "error"]);
  for (const [what, [object, warning]] of Object.entries(cases)) {
    await t.test(`${what}, over HTTPS`, async () => {
      const { code, body } = await webhook.post(JSON.stringify(reviewOf(object)));
      const { response } = JSON.parse(body);
      assert.deepEqual([code, response.allowed, response.patchType], [200, true, "JSONPatch"]);
      assert.match(response.warnings.join("\n"), warning);
    });
    await t.test(`${what}, by outrigger inject`, () => {
      const args = ["inject", "--profile", "istio", "-f", "-"];
      const { status, stdout, stderr } = spawnSync(outrigger, args, {
        input: JSON.stringify(object),
        encoding: "utf8",
      });
      assert.equal(status, 0, stderr);
      assert.match(stderr, /^Pod\/till: warning: /m);
      assert.match(stderr, warning);
      assert.match(stdout, /"name": "istio-proxy"/);
    });
  }
  await t.test("an ordinary Pod is not warned about", async () => {
    const { response } = JSON.parse((await webhook.post(JSON.stringify(reviewOf(pod())))).body);
    assert.equal(response.warnings, undefined);
  });
});
