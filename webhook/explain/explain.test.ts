import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { admissionEntries } from "../../mesh/admission-entries.ts";
import type { Labels } from "../../mesh/pod.ts";
import { noClusterFacts } from "../cluster-facts.ts";
import { injectionSettings, type SettingsInput } from "../settings.ts";
import { explain } from "./explain.ts";
import type { Rulebook, Subject } from "./subject.ts";

function rulebook(input: SettingsInput = {}): Rulebook {
  const settings = injectionSettings(input);
  const { revision } = settings;
  return {
    settings,
    facts: noClusterFacts,
    entries: admissionEntries({ revision, isDefault: revision === "default" }),
  };
}

interface Given {
  readonly namespace?: Labels;
  readonly labels?: Labels;
  readonly annotations?: Labels;
  readonly spec?: object;
  readonly name?: string;
}

function subject({ namespace = {}, labels = {}, annotations = {}, spec = {}, name = "shop" }: Given): Subject {
  const containers = [{ name: "app", image: "app" }];
  const object = { metadata: { name: "till", labels, annotations }, spec: { containers, ...spec } };
  return { workload: "Pod/till", namespace: { name, labels: namespace }, object };
}

const enabled = { "istio-injection": "enabled" };

const cases: Readonly<Record<string, readonly [given: Given, outcome: string, flip: readonly string[]]>> = {
  "a labelled namespace": [
    { namespace: enabled },
    "sidecar",
    ['set the Pod\'s label sidecar.istio.io/inject: "false"'],
  ],
  "no label at all": [{}, "no sidecar", ['set the Pod\'s label sidecar.istio.io/inject: "true"']],
  "a Pod that opts out": [
    { namespace: enabled, labels: { "sidecar.istio.io/inject": "false" } },
    "no sidecar",
    ["remove the Pod's label sidecar.istio.io/inject"],
  ],
  "a namespace that opts out": [
    { namespace: { "istio-injection": "disabled" } },
    "no sidecar",
    ["label the namespace shop istio-injection=enabled"],
  ],
  "another revision's namespace": [
    { namespace: { "istio.io/rev": "canary" } },
    "no sidecar",
    ["label the namespace shop istio-injection=enabled"],
  ],
  "host network": [
    { namespace: enabled, spec: { hostNetwork: true } },
    "no sidecar",
    ["run the Pod on its own network (no hostNetwork)"],
  ],
  "host network without a label": [
    { spec: { hostNetwork: true } },
    "no sidecar",
    ['set the Pod\'s label sidecar.istio.io/inject: "true"', "run the Pod on its own network (no hostNetwork)"],
  ],
};

for (const [name, [given, outcome, flip]] of Object.entries(cases)) {
  test(`${name}: ${outcome}, and what would turn it`, () => {
    const explanation = explain(subject(given), rulebook());
    assert.equal(explanation.outcome, outcome);
    assert.deepEqual(explanation.flip, flip);
    assert.equal(explanation.before === explanation.after, outcome !== "sidecar");
  });
}

test("in a system's namespace nothing helps", () => {
  const explanation = explain(subject({ name: "kube-system", namespace: enabled }), rulebook());
  assert.equal(explanation.outcome, "no sidecar");
  assert.equal(explanation.flip, undefined);
  assert.equal(explanation.decision?.rule, "ignored-namespace");
});

test("the rules are told in order, up to the one that decides", () => {
  const { rules } = explain(subject({ namespace: enabled, labels: { "sidecar.istio.io/inject": "true" } }), rulebook());
  assert.deepEqual(
    rules.map(({ rule, outcome }) => [rule, outcome]),
    [
      ["host-network", "does not apply"],
      ["ignored-namespace", "does not apply"],
      ["label", "decides"],
      ["never-inject-selector", "not reached"],
      ["always-inject-selector", "not reached"],
      ["policy", "not reached"],
    ],
  );
});

test("an annotation alone cannot make the API server call, and explain says so", () => {
  const { outcome, notes, call } = explain(subject({ annotations: { "sidecar.istio.io/inject": "true" } }), rulebook());
  assert.equal(outcome, "no sidecar");
  assert.match(notes.join(), /cannot make the API server ask the webhook/);
  assert.equal(call.called, false);
});

test("a Pod that is denied is told why", () => {
  const annotations = { "traffic.sidecar.istio.io/excludeOutboundPorts": "ssh" };
  const { outcome, denial } = explain(subject({ namespace: enabled, annotations }), rulebook());
  assert.equal(outcome, "denied");
  assert.match(denial ?? "", /excludeOutboundPorts/);
});

test("the change that is proposed does turn the outcome", () => {
  const label = fc.option(fc.constantFrom("true", "false", ""), { nil: undefined });
  const injection = fc.option(fc.constantFrom("enabled", "disabled"), { nil: undefined });
  const defined = (labels: Readonly<Record<string, string | undefined>>): Labels =>
    Object.fromEntries(Object.entries(labels).filter((entry): entry is [string, string] => entry[1] !== undefined));
  fc.assert(
    fc.property(label, injection, fc.boolean(), (inject, namespace, hostNetwork) => {
      const given = subject({
        labels: defined({ "sidecar.istio.io/inject": inject }),
        namespace: defined({ "istio-injection": namespace }),
        spec: { hostNetwork },
      });
      const { flip, outcome } = explain(given, rulebook());
      assert.ok(flip !== undefined && flip.length <= 3, JSON.stringify({ outcome, inject, namespace, hostNetwork }));
    }),
  );
});
