import assert from "node:assert/strict";
import { test } from "node:test";
import fastJsonPatch from "fast-json-patch";
import type { Pod } from "../mesh/pod.ts";
import { admit } from "./admit.ts";
import { injectionSettings } from "./settings.ts";

const settings = injectionSettings();

const pod = (): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { generateName: "till-", labels: { app: "till" } },
  spec: { containers: [{ name: "till", image: "till:1" }], futureField: { kept: true } },
});

function patched(object: Pod, current = settings): Pod {
  const admission = admit({ namespace: "shop", object }, current);
  assert.ok(admission.allowed);
  const patch = admission.patch as fastJsonPatch.Operation[];
  return fastJsonPatch.applyPatch(structuredClone(object), patch, true).newDocument;
}

test("a plain Pod gets istio-init and istio-proxy, and keeps what is its own", () => {
  const { spec } = patched(pod());
  assert.deepEqual(
    spec.initContainers?.map(({ name }) => name),
    ["istio-init", "istio-proxy"],
  );
  assert.equal(spec.initContainers?.[1]?.restartPolicy, "Always");
  assert.deepEqual(spec.containers, [{ name: "till", image: "till:1" }]);
  assert.deepEqual(spec.futureField, { kept: true });
});

test("without native sidecars istio-proxy is a container among the others", () => {
  const { spec } = patched(pod(), injectionSettings({ nativeSidecars: "disabled" }));
  assert.deepEqual(
    spec.initContainers?.map(({ name }) => name),
    ["istio-init"],
  );
  assert.deepEqual(
    spec.containers.map(({ name }) => name),
    ["till", "istio-proxy"],
  );
});

test("an injected Pod is left alone", () => {
  const admission = admit({ namespace: "shop", object: patched(pod()) }, settings);
  assert.ok(admission.allowed);
  assert.deepEqual(admission.patch, []);
});

test("a skipped Pod is allowed without a patch, and the audit annotation names the rule", () => {
  const object = { ...pod(), spec: { ...pod().spec, hostNetwork: true } };
  const admission = admit({ namespace: "shop", object }, settings);
  assert.ok(admission.allowed);
  assert.deepEqual(admission.patch, []);
  assert.deepEqual(admission.auditAnnotations, { decision: "skip", rule: "host-network", revision: "default" });
});

const malformed: { object: unknown; message: RegExp }[] = [
  { object: undefined, message: /the whole object/ },
  { object: [], message: /./ },
  { object: { metadata: {} }, message: /spec is missing/ },
  { object: { spec: { containers: [{ image: "x" }] } }, message: /spec\.containers\[0\]\.name is missing/ },
  { object: { spec: { containers: [{ name: "x", args: [1] }] } }, message: /spec\.containers\[0\]\.args\[0\] "1"/ },
  { object: { metadata: { labels: { a: 1 } }, spec: { containers: [] } }, message: /metadata\.labels\.a "1"/ },
];

for (const { object, message } of malformed) {
  test(`admit denies ${JSON.stringify(object)} and says where`, () => {
    const admission = admit({ namespace: "shop", object }, settings);
    assert.ok(!admission.allowed);
    assert.match(admission.message, message);
  });
}
