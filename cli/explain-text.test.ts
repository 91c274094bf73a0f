import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { admissionEntries } from "../mesh/admission-entries.ts";
import { noClusterFacts } from "../webhook/cluster-facts.ts";
import { explain } from "../webhook/explain/explain.ts";
import { injectionSettings } from "../webhook/settings.ts";
import { explanationText } from "./explain-text.ts";

const rulebook = {
  settings: injectionSettings(),
  facts: noClusterFacts,
  entries: admissionEntries({ revision: "default", isDefault: true }),
};

function textFor(labels: Readonly<Record<string, string>>, diff: boolean): string {
  const object = { metadata: { name: "till" }, spec: { containers: [{ name: "app", image: "app" }] } };
  const subject = { workload: "Pod/till", namespace: { name: "shop", labels }, object };
  return stripVTControlCharacters(explanationText(explain(subject, rulebook), { diff }));
}

test("a Pod that gets a sidecar: entry, rule, way out, and what changes", () => {
  const text = textFor({ "istio-injection": "enabled" }, true);
  assert.match(text, /^Pod\/till in namespace shop gets a sidecar\./);
  assert.match(text, /asks the webhook, by the entry namespace\.sidecar-injector\.istio\.io/);
  assert.match(text, /> policy: the policy is enabled .* so it is injected/);
  assert.match(text, /To do without a sidecar: set the Pod's label sidecar\.istio\.io\/inject: "false"/);
  assert.match(text, /\+ {4}- name: istio-proxy/);
  assert.ok(
    text.split("\n").every((line) => line.length <= 165),
    "long lines are cut",
  );
});

test("a Pod that gets none: every entry's reason, and what would help", () => {
  const text = textFor({}, true);
  assert.match(text, /gets no sidecar/);
  assert.match(text, /namespace\.sidecar-injector\.istio\.io: the namespace's labels do not meet istio-injection/);
  assert.match(text, /would decide, if it were asked/);
  assert.match(text, /To get a sidecar: set the Pod's label sidecar\.istio\.io\/inject: "true"/);
  assert.doesNotMatch(text, /What changes/);
});
