import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Pod } from "../mesh/pod.ts";
import { type CaptureDecision, decide, decidePod, type PassRule } from "./decide.ts";
import type { NetworkConfiguration } from "./network-configuration.ts";
import { podIdentity } from "./pod-identity.ts";

const configuration: NetworkConfiguration = {
  cniVersion: "1.0.0",
  exclude_namespaces: ["kube-system"],
  agent: { namespace: "outrigger-system", pod_prefix: "outrigger-cni-" },
  native_nftables: false,
  runtimeConfig: {},
};

const status = { "sidecar.istio.io/status": "{}" };
const proxy: Container = { name: "istio-proxy", args: ["proxy", "sidecar", "--domain", "x"] };
const app: Container = { name: "app" };

interface Given {
  readonly annotations?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly containers?: Container[];
  readonly initContainers?: Container[];
}

function podOf({ annotations = status, labels = {}, containers = [app, proxy], initContainers = [] }: Given): Pod {
  return { metadata: { name: "web-0", namespace: "shop", annotations, labels }, spec: { containers, initContainers } };
}

const cases: [string, Given, PassRule | "injected"][] = [
  ["an injected Pod", {}, "injected"],
  [
    "a stock Envoy as sidecar",
    { containers: [app, { name: "istio-proxy", args: ["--config-yaml", "{}"] }] },
    "injected",
  ],
  ["a native sidecar", { containers: [app], initContainers: [{ ...proxy, restartPolicy: "Always" }] }, "injected"],
  ["a Pod with istio-validation", { initContainers: [{ name: "istio-validation" }] }, "injected"],
  ["a Pod with istio-init", { initContainers: [{ name: "istio-init" }] }, "init-container"],
  [
    "a proxy without Envoy",
    { containers: [app, { ...proxy, env: [{ name: "DISABLE_ENVOY", value: "true" }] }] },
    "envoy-disabled",
  ],
  ["a Pod without a proxy", { containers: [app] }, "no-proxy"],
  ["a gateway", { containers: [{ ...proxy, args: ["proxy", "router"] }] }, "proxy-role"],
  ["a label that says no", { labels: { "sidecar.istio.io/inject": "false" } }, "inject-label"],
  [
    "an annotation that says no",
    { annotations: { ...status, "sidecar.istio.io/inject": "false" } },
    "inject-annotation",
  ],
  [
    "a label that says yes beats the annotation",
    { labels: { "sidecar.istio.io/inject": "true" }, annotations: { ...status, "sidecar.istio.io/inject": "false" } },
    "injected",
  ],
  ["no status", { annotations: {} }, "not-injected"],
  ["an empty status", { annotations: { "sidecar.istio.io/status": "" } }, "injected"],
  [
    "interception mode NONE",
    { annotations: { ...status, "sidecar.istio.io/interceptionMode": "NONE" } },
    "interception-mode-none",
  ],
];
for (const [what, given, rule] of cases) {
  test(`${what}: ${rule}`, () => {
    const decision = decidePod(podOf(given));
    assert.equal(decision.rule, rule);
    assert.equal(decision.capture, rule === "injected");
    assert.ok(decision.reason.length > 10 && !decision.reason.endsWith("."));
  });
}

test("a Pod without any metadata but its name is not injected", () => {
  const pod: Pod = { metadata: { name: "web-0" }, spec: { containers: [proxy] } };
  assert.equal(decidePod(pod).rule, "not-injected");
});

async function decideArgs(args: string, change: Partial<NetworkConfiguration> = {}): Promise<CaptureDecision> {
  return decide(podIdentity(args), { ...configuration, ...change }, async () => podOf({}));
}

const argsOf = (namespace: string, name: string) =>
  `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name}`;

test("what needs no look at the Pod is decided before it", async () => {
  assert.equal((await decideArgs("")).rule, "no-pod");
  assert.equal((await decideArgs(argsOf("kube-system", "dns"))).rule, "excluded-namespace");
  assert.equal((await decideArgs(argsOf("outrigger-system", "outrigger-cni-x7k2p"))).rule, "own-agent");
  assert.equal((await decideArgs(argsOf("shop", "outrigger-cni-x7k2p"))).rule, "injected");
  assert.equal((await decideArgs(argsOf("outrigger-system", "web"))).rule, "injected");
});

test("annotations from the runtime spare the look when they show no status, and only then", async () => {
  const given = (annotations: Record<string, string> | null | undefined) => ({
    runtimeConfig: { "io.kubernetes.cri.pod-annotations": annotations },
  });
  const args = argsOf("shop", "web-0");
  assert.equal((await decideArgs(args, given({}))).rule, "not-injected");
  assert.equal((await decideArgs(args, given({ other: "x" }))).rule, "not-injected");
  assert.equal((await decideArgs(args, given(status))).rule, "injected");
  assert.equal((await decideArgs(args, given(null))).rule, "injected");
  assert.equal((await decideArgs(args, given(undefined))).rule, "injected");
});

test("CNI_ARGS are read in any order, and need a namespace and a name", () => {
  const pod = { namespace: "shop", name: "web-0", uid: "u-1" };
  assert.deepEqual(podIdentity("K8S_POD_UID=u-1;K8S_POD_NAME=web-0;IgnoreUnknown=1;K8S_POD_NAMESPACE=shop"), pod);
  assert.deepEqual(podIdentity("K8S_POD_NAME=a=b;K8S_POD_NAMESPACE=shop"), {
    namespace: "shop",
    name: "a=b",
    uid: undefined,
  });
  for (const args of ["", ";;", "=", "K8S_POD_NAME=web-0", "K8S_POD_NAMESPACE=shop;K8S_POD_NAME="]) {
    assert.equal(podIdentity(args), undefined, args);
  }
});
