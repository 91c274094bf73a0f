import assert from "node:assert/strict";
import { test } from "node:test";
import { admissionEntries, callingEntry } from "./admission-entries.ts";

const standard = admissionEntries({ revision: "default", isDefault: true });
const everywhere = admissionEntries({ revision: "default", isDefault: true, enableNamespacesByDefault: true });
const canary = admissionEntries({ revision: "canary", isDefault: false });

const shortNames = (entries: { name: string }[]) =>
  entries.map(({ name }) => name.replace("sidecar-injector.istio.io", ""));

test("a revision has two entries, the default one four, or five with injection by default", () => {
  assert.deepEqual(shortNames(canary), ["rev.namespace.", "rev.object."]);
  assert.deepEqual(shortNames(standard), ["rev.namespace.", "rev.object.", "namespace.", "object."]);
  assert.deepEqual(shortNames(everywhere), ["rev.namespace.", "rev.object.", "namespace.", "object.", "auto."]);
});

type Labels = Record<string, string>;
const table: { entries: typeof standard; namespace: Labels; pod: Labels; entry?: string; name?: string }[] = [
  { entries: standard, namespace: { "istio-injection": "enabled" }, pod: {}, entry: "namespace." },
  { entries: standard, namespace: { "istio-injection": "enabled" }, pod: { "sidecar.istio.io/inject": "false" } },
  {
    entries: standard,
    namespace: { "istio-injection": "enabled" },
    pod: { "sidecar.istio.io/inject": "yes" },
    entry: "namespace.",
  },
  { entries: standard, namespace: { "istio-injection": "disabled" }, pod: { "sidecar.istio.io/inject": "true" } },
  { entries: standard, namespace: {}, pod: {} },
  { entries: standard, namespace: {}, pod: { "sidecar.istio.io/inject": "true" }, entry: "object." },
  { entries: standard, namespace: {}, pod: { "sidecar.istio.io/inject": "true", "istio.io/rev": "canary" } },
  { entries: standard, namespace: {}, pod: { "istio.io/rev": "default" }, entry: "rev.object." },
  { entries: standard, namespace: { "istio.io/rev": "default" }, pod: {}, entry: "rev.namespace." },
  { entries: canary, namespace: { "istio.io/rev": "canary" }, pod: {}, entry: "rev.namespace." },
  { entries: canary, namespace: { "istio.io/rev": "canary", "istio-injection": "enabled" }, pod: {} },
  { entries: canary, namespace: {}, pod: { "istio.io/rev": "canary" }, entry: "rev.object." },
  { entries: canary, namespace: { "istio-injection": "enabled" }, pod: {} },
  { entries: everywhere, namespace: {}, pod: {}, entry: "auto." },
  { entries: everywhere, namespace: {}, pod: {}, name: "kube-system" },
  { entries: everywhere, namespace: {}, pod: { "sidecar.istio.io/inject": "false" } },
];

for (const { entries, namespace, pod, entry, name = "shop" } of table) {
  const labels = `${JSON.stringify(namespace)} ${JSON.stringify(pod)}`;
  test(`${shortNames(entries).length} entries, namespace ${name} and Pod ${labels}: ${entry ?? "not called"}`, () => {
    const call = callingEntry(entries, { name, labels: namespace }, pod);
    assert.equal(call.called ? shortNames([call.entry])[0] : undefined, entry);
  });
}

test("no call is explained for each entry", () => {
  const call = callingEntry(standard, { name: "shop", labels: { "istio-injection": "disabled" } }, {});
  assert.ok(!call.called);
  assert.equal(call.reasons.length, 4);
  const reason = call.reasons.find(({ entry }) => entry.startsWith("namespace."));
  assert.equal(
    reason?.text,
    'the namespace\'s labels do not meet istio-injection=enabled (istio-injection is "disabled")',
  );
});
