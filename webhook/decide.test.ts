import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../mesh/pod.ts";
import { type DecisionContext, decide } from "./decide.ts";

interface Case {
  readonly what: string;
  readonly label?: string;
  readonly annotation?: string;
  readonly labels?: Record<string, string>;
  readonly hostNetwork?: boolean;
  readonly podNamespace?: string;
  readonly context?: Partial<DecisionContext>;
  readonly expected: string;
}

const never = { neverInjectSelector: [{ matchLabels: { job: "ci" } }] };
const always = { alwaysInjectSelector: [{ matchLabels: { app: "shop" } }] };

const cases: Case[] = [
  { what: "policy enabled, nothing said", expected: "inject policy" },
  { what: "policy disabled, nothing said", context: { policy: "disabled" }, expected: "skip policy" },
  { what: "host network beats the label", hostNetwork: true, label: "true", expected: "skip host-network" },
  {
    what: "a system namespace beats the label",
    context: { namespace: "kube-system" },
    label: "true",
    expected: "skip ignored-namespace",
  },
  {
    what: "the Pod's own namespace beats the request's",
    context: { namespace: "kube-public" },
    podNamespace: "shop",
    expected: "inject policy",
  },
  {
    what: "the Pod's own namespace is a system one",
    podNamespace: "local-path-storage",
    expected: "skip ignored-namespace",
  },
  {
    what: "host network before the namespace",
    hostNetwork: true,
    podNamespace: "kube-system",
    expected: "skip host-network",
  },
  { what: "label true", label: "true", context: { policy: "disabled" }, expected: "inject label" },
  { what: "label false", label: "false", expected: "skip label" },
  { what: "label beats annotation", label: "false", annotation: "true", expected: "skip label" },
  { what: "an empty label beats the annotation too", label: "", annotation: "false", expected: "inject policy" },
  { what: "annotation true", annotation: "true", context: { policy: "disabled" }, expected: "inject annotation" },
  { what: "annotation false", annotation: "false", expected: "skip annotation" },
  { what: "True is not true", label: "True", context: { policy: "disabled" }, expected: "skip policy" },
  {
    what: "yes falls to the defaults",
    label: "yes",
    context: never,
    labels: { job: "ci" },
    expected: "skip never-inject-selector",
  },
  { what: "never", context: never, labels: { job: "ci" }, expected: "skip never-inject-selector" },
  {
    what: "never before always",
    context: { ...never, ...always },
    labels: { job: "ci", app: "shop" },
    expected: "skip never-inject-selector",
  },
  { what: "label before never", context: never, labels: { job: "ci" }, label: "true", expected: "inject label" },
  {
    what: "always with policy disabled",
    context: { ...always, policy: "disabled" },
    labels: { app: "shop" },
    expected: "inject always-inject-selector",
  },
  { what: "label before always", context: always, labels: { app: "shop" }, label: "false", expected: "skip label" },
  { what: "an empty selector matches nothing", context: { neverInjectSelector: [{}] }, expected: "inject policy" },
  { what: "an unknown policy injects nothing", context: { policy: "on" }, expected: "skip policy" },
  {
    what: "an unknown policy injects nothing on demand",
    context: { policy: "on" },
    label: "true",
    expected: "skip policy",
  },
  {
    what: "an unknown policy, always",
    context: { ...always, policy: "on" },
    labels: { app: "shop" },
    expected: "skip policy",
  },
];

const key = "sidecar.istio.io/inject";

function podOf({ label, annotation, labels, hostNetwork, podNamespace }: Case): Pod {
  return {
    metadata: {
      ...(podNamespace === undefined ? {} : { namespace: podNamespace }),
      labels: { ...labels, ...(label === undefined ? {} : { [key]: label }) },
      ...(annotation === undefined ? {} : { annotations: { [key]: annotation } }),
    },
    spec: { containers: [{ name: "app" }], ...(hostNetwork === undefined ? {} : { hostNetwork }) },
  };
}

const defaults: DecisionContext = {
  namespace: "shop",
  policy: "enabled",
  neverInjectSelector: [],
  alwaysInjectSelector: [],
};

for (const row of cases) {
  test(`decide: ${row.what}: ${row.expected}`, () => {
    const decision = decide(podOf(row), { ...defaults, ...row.context });
    assert.equal(`${decision.inject ? "inject" : "skip"} ${decision.rule}`, row.expected);
    assert.notEqual(decision.reason, "");
  });
}

const warned: { row: Partial<Case>; warning?: RegExp }[] = [
  {
    row: { label: "yes" },
    warning: /label sidecar.istio.io\/inject: "yes" is neither "true" nor "false".*injected all the same/,
  },
  { row: { annotation: "no", context: { policy: "disabled" } }, warning: /"no" is neither.*the Pod is not injected/ },
  { row: { label: "true", annotation: "false" }, warning: /annotation .*"false" has no effect/ },
  { row: { label: "true", annotation: "true" } },
  { row: { label: "" } },
  { row: {} },
];

for (const { row, warning } of warned) {
  test(`decide warns about ${JSON.stringify(row)}: ${warning ?? "nothing"}`, () => {
    const { warnings } = decide(podOf({ what: "", expected: "", ...row }), { ...defaults, ...row.context });
    if (warning === undefined) assert.deepEqual(warnings, []);
    else assert.match(warnings.join("\n"), warning);
  });
}
