import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Pod } from "../../mesh/pod.ts";
import { type ClusterFacts, clusterFacts, noClusterFacts } from "../cluster-facts.ts";
import { urlEnvironment } from "../pipeline/cluster-env.ts";
import { inject } from "../pipeline/inject.ts";
import { injectionSettings, type SettingsInput } from "../settings.ts";

interface Given {
  readonly annotations?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly spec?: object;
  readonly values?: object;
  readonly mesh?: object;
  readonly settings?: SettingsInput;
  readonly facts?: ClusterFacts;
  readonly path?: string;
}

function injected({
  annotations,
  labels,
  spec,
  values,
  mesh,
  settings,
  facts = noClusterFacts,
  path,
}: Given = {}): Pod {
  const pod: Pod = {
    metadata: { name: "till", ...(annotations && { annotations }), ...(labels && { labels }) },
    spec: { containers: [{ name: "till", image: "till:1" }], ...spec },
  };
  const all = injectionSettings({ profile: "istio", values, meshConfig: mesh, ...settings });
  return inject(pod, all, { namespace: "shop", urlEnv: urlEnvironment(path ?? "/inject"), facts }).pod;
}

const find = (pod: Pod, name: string): Container | undefined =>
  [...(pod.spec.initContainers ?? []), ...pod.spec.containers].find((container) => container.name === name);
const proxy = (given: Given = {}): Container => find(injected(given), "istio-proxy") ?? assert.fail("no istio-proxy");
const init = (given: Given = {}): Container => find(injected(given), "istio-init") ?? assert.fail("no istio-init");
const envOf = ({ env = [] }: Container, name: string) => env.find((variable) => variable.name === name)?.value;
const after = ({ args = [] }: Container, flag: string) => args[args.indexOf(flag) + 1];

const native = { "sidecar.istio.io/nativeSidecar": "false" };
const images: { what: string; given: Given; proxy: string; init?: string }[] = [
  {
    what: "the values'",
    given: { values: { global: { hub: "r.example/i", tag: "1.2" } } },
    proxy: "r.example/i/proxyv2:1.2",
    init: "r.example/i/proxyv2:1.2",
  },
  {
    what: "a digest",
    given: { values: { global: { hub: "r.example/i", tag: "sha256:ab" } } },
    proxy: "r.example/i/proxyv2@sha256:ab",
  },
  {
    what: "a whole reference in the values",
    given: { values: { global: { proxy: { image: "r.example/p:3" } } } },
    proxy: "r.example/p:3",
  },
  {
    what: "the annotation, for both",
    given: { annotations: { "sidecar.istio.io/proxyImage": "x.example/p:9" } },
    proxy: "x.example/p:9",
    init: "x.example/p:9",
  },
  {
    what: "the variant",
    given: { values: { global: { hub: "h", tag: "1", variant: "distroless" } } },
    proxy: "h/proxyv2:1-distroless",
    init: "h/proxyv2:1",
  },
  {
    what: "ProxyConfig's type before the variant",
    given: {
      values: { global: { hub: "h", tag: "1", variant: "distroless" } },
      mesh: { defaultConfig: { image: { imageType: "debug" } } },
    },
    proxy: "h/proxyv2:1-debug",
  },
  {
    what: "the annotation's type before both",
    given: {
      annotations: { "sidecar.istio.io/proxyImageType": "default" },
      values: { global: { hub: "h", tag: "1-debug", variant: "distroless" } },
    },
    proxy: "h/proxyv2:1",
  },
  {
    what: "a type in place of the tag's own",
    given: {
      annotations: { "sidecar.istio.io/proxyImageType": "debug" },
      values: { global: { hub: "h", tag: "1-distroless" } },
    },
    proxy: "h/proxyv2:1-debug",
  },
];

for (const { what, given, proxy: image, init: initImage } of images) {
  test(`istio image: ${what}`, () => {
    assert.equal(proxy(given).image, image);
    if (initImage !== undefined) assert.equal(init(given).image, initImage);
  });
}

test("TPROXY: the flag, the capability, root with the proxy's group, the environment", () => {
  const given = { annotations: { "sidecar.istio.io/interceptionMode": "TPROXY" } };
  assert.equal(after(init(given), "-m"), "TPROXY");
  assert.equal(after(init(given), "-u"), "1337");
  const { securityContext } = proxy(given);
  assert.deepEqual(securityContext?.capabilities, { add: ["NET_ADMIN"], drop: ["ALL"] });
  assert.equal(securityContext?.runAsUser, 0);
  assert.equal(securityContext?.runAsGroup, 1337);
  assert.equal(envOf(proxy(given), "ISTIO_META_INTERCEPTION_MODE"), "TPROXY");
});

test("NONE: nothing captures", () => {
  const pod = injected({ annotations: { "sidecar.istio.io/interceptionMode": "NONE", ...native } });
  assert.equal(pod.spec.initContainers, undefined);
  assert.deepEqual(
    pod.spec.containers.map(({ name }) => name),
    ["till", "istio-proxy"],
  );
});

test("capNetBindService: root with one capability", () => {
  const { securityContext } = proxy({ annotations: { "sidecar.istio.io/capNetBindService": "true" } });
  assert.deepEqual(securityContext?.capabilities?.add, ["NET_BIND_SERVICE"]);
  assert.equal(securityContext?.runAsUser, 0);
});

test("CNI: istio-validation instead of istio-init, without a capability, and annotations for the node agent", () => {
  const pod = injected({
    values: { pilot: { cni: { enabled: true } } },
    annotations: { "traffic.sidecar.istio.io/excludeOutboundPorts": "3306" },
  });
  const validation = find(pod, "istio-validation");
  assert.equal(find(pod, "istio-init"), undefined);
  assert.deepEqual(validation?.securityContext?.capabilities, { drop: ["ALL"] });
  assert.equal(validation?.securityContext?.runAsUser, 1337);
  assert.ok(validation?.args?.includes("--run-validation"));
  assert.equal(pod.metadata.annotations?.["traffic.sidecar.istio.io/excludeOutboundPorts"], "3306");
  assert.equal(pod.metadata.annotations?.["traffic.sidecar.istio.io/excludeInboundPorts"], "15020");
});

test("the user's own uid reaches the capture, and validation", () => {
  const own = { name: "istio-proxy", image: "auto", securityContext: { runAsUser: 2000, runAsGroup: 3000 } };
  const spec = { containers: [{ name: "till" }, own] };
  assert.equal(after(init({ spec }), "-u"), "2000");
  const pod = injected({ spec, values: { pilot: { cni: { enabled: true } } } });
  assert.equal(find(pod, "istio-validation")?.securityContext?.runAsUser, 2000);
  assert.equal(find(pod, "istio-validation")?.securityContext?.runAsGroup, 3000);
});

test("OpenShift: uid and gid are the last of the namespace's ranges", () => {
  const namespaceAnnotations = new Map([
    [
      "shop",
      {
        "openshift.io/sa.scc.uid-range": "1000620000/10000",
        "openshift.io/sa.scc.supplemental-groups": "1000620000/10000",
      },
    ],
  ]);
  const given = { settings: { platform: "openshift" as const }, facts: clusterFacts({ namespaceAnnotations }) };
  assert.equal(proxy(given).securityContext?.runAsUser, 1000629999);
  assert.equal(proxy(given).securityContext?.runAsGroup, 1000629999);
  assert.equal(after(init(given), "-u"), "1000629999");
});

test("a revision has its own control plane", () => {
  const given = { settings: { revision: "canary" } };
  assert.equal(envOf(proxy(given), "CA_ADDR"), "istiod-canary.istio-system.svc:15012");
  assert.equal(injected(given).metadata.annotations?.["istio.io/rev"], "canary");
});

test("FIPS: the compliance policy is the proxy's environment", () => {
  assert.equal(envOf(proxy({ settings: { compliancePolicy: "fips-140-2" } }), "COMPLIANCE_POLICY"), "fips-140-2");
});

test("holding the application: first, and waiting, unless it is a native sidecar", () => {
  const mesh = { defaultConfig: { holdApplicationUntilProxyStarts: true } };
  const pod = injected({ mesh, annotations: native });
  assert.deepEqual(
    pod.spec.containers.map(({ name }) => name),
    ["istio-proxy", "till"],
  );
  assert.deepEqual(find(pod, "istio-proxy")?.lifecycle?.postStart?.exec?.command, ["pilot-agent", "wait"]);
  const byAnnotation = injected({
    annotations: { ...native, "proxy.istio.io/config": "holdApplicationUntilProxyStarts: true" },
  });
  assert.deepEqual(
    byAnnotation.spec.containers.map(({ name }) => name),
    ["istio-proxy", "till"],
  );
  assert.equal(proxy({ mesh }).lifecycle?.postStart, undefined);
});

test("a bootstrap of the user's own", () => {
  const pod = injected({ annotations: { "sidecar.istio.io/bootstrapOverride": "my-bootstrap" } });
  assert.deepEqual(
    pod.spec.volumes?.find(({ name }) => name === "custom-bootstrap-volume"),
    { name: "custom-bootstrap-volume", configMap: { name: "my-bootstrap" } },
  );
  assert.match(
    envOf(find(pod, "istio-proxy") ?? { name: "" }, "ISTIO_BOOTSTRAP_OVERRIDE") ?? "",
    /custom_bootstrap\.json$/,
  );
});

test("the URL's cluster, network and variables, last and sorted; the network is a label too", () => {
  const pod = injected({
    path: "/inject/net/n--slash--1/cluster/east/ZED/z",
    values: { global: { network: "other" } },
  });
  const names = find(pod, "istio-proxy")
    ?.env?.slice(-3)
    .map(({ name, value }) => `${name}=${value}`);
  assert.deepEqual(names, ["ISTIO_META_CLUSTER_ID=east", "ISTIO_META_NETWORK=n/1", "ZED=z"]);
  assert.equal(pod.metadata.labels?.["topology.istio.io/network"], "n/1");
});

test("native sidecars: by the nodes, by the Pod's own node, by the annotation", () => {
  const facts = clusterFacts({
    nodes: [
      { name: "old", kubeletVersion: "v1.32.9" },
      { name: "new", kubeletVersion: "v1.33.0" },
    ],
  });
  const isNative = (given: Given) =>
    injected({ facts, ...given }).spec.initContainers?.some(({ name }) => name === "istio-proxy");
  assert.equal(isNative({}), false);
  assert.equal(isNative({ spec: { nodeName: "new" } }), true);
  assert.equal(isNative({ spec: { nodeName: "old" } }), false);
  assert.equal(isNative({ annotations: { "sidecar.istio.io/nativeSidecar": "true" } }), true);
  assert.equal(isNative({ settings: { nativeSidecars: "enabled" } }), true);
  assert.equal(isNative({ facts: noClusterFacts }), true);
});

test("ProxyConfig: later layers win, proxyMetadata is unioned", () => {
  const facts = clusterFacts({
    proxyConfigs: [
      { namespace: "istio-system", config: { concurrency: 1, proxyMetadata: { A: "root" } } },
      { namespace: "shop", config: { concurrency: 2, proxyMetadata: { B: "namespace" } } },
      { namespace: "shop", selector: { matchLabels: { app: "till" } }, config: { concurrency: 4 } },
      { namespace: "other", config: { concurrency: 9 } },
    ],
  });
  const annotations = { "proxy.istio.io/config": '{"concurrency": 3, "proxyMetadata": {"C": "annotation"}}' };
  const config = (given: Given) => JSON.parse(envOf(proxy({ facts, ...given }), "PROXY_CONFIG") ?? "{}");
  assert.deepEqual(config({}), { concurrency: 2, proxyMetadata: { A: "root", B: "namespace" } });
  assert.deepEqual(config({ annotations }), {
    concurrency: 3,
    proxyMetadata: { A: "root", B: "namespace", C: "annotation" },
  });
  assert.equal(config({ annotations, labels: { app: "till" } }).concurrency, 4);
  assert.equal(envOf(proxy({ facts, annotations }), "C"), "annotation");
});

test("a fixed template of the user's own is merged after the sidecar; one with template actions is refused by name", () => {
  const templates = {
    extra:
      "spec:\n  containers:\n  - name: helper\n    image: helper:1\n  volumes:\n  - name: istio-data\n    emptyDir: null\n    hostPath: {path: /d}\n",
    go: "spec: {{ .Spec }}",
  };
  const settings = { injectorConfig: { templates, aliases: { both: ["sidecar", "extra"] } } };
  const pod = injected({ settings, annotations: { "inject.istio.io/templates": " both " } });
  assert.deepEqual(
    pod.spec.containers.map(({ name }) => name),
    ["helper", "till"],
  );
  assert.deepEqual(
    pod.spec.volumes?.find(({ name }) => name === "istio-data"),
    { name: "istio-data", hostPath: { path: "/d" } },
  );
  assert.throws(
    () => injected({ settings, annotations: { "inject.istio.io/templates": "go" } }),
    /"go" is a Go template/,
  );
});

test("Datadog's tracer gets its environment, in other tracers' Pods it is nothing", () => {
  const annotations = { "apm.datadoghq.com/env": '{"DD_ENV": "prod"}' };
  assert.equal(envOf(proxy({ annotations, values: { global: { proxy: { tracer: "datadog" } } } }), "DD_ENV"), "prod");
  assert.equal(envOf(proxy({ annotations }), "DD_ENV"), undefined);
});

test("multus: Istio's network is appended once", () => {
  const values = { pilot: { cni: { enabled: true, provider: "multus" } } };
  const networks = (value: string) =>
    injected({ values, annotations: { "k8s.v1.cni.cncf.io/networks": value } }).metadata.annotations?.[
      "k8s.v1.cni.cncf.io/networks"
    ];
  assert.equal(networks("a, default/istio-cni"), "a, default/istio-cni");
  assert.equal(
    networks('[{"name": "istio-cni", "namespace": "default"}]'),
    '[{"name": "istio-cni", "namespace": "default"}]',
  );
  assert.equal(networks("[]"), '[{"name": "istio-cni", "namespace": "default"}]');
  assert.equal(networks("a"), "a, default/istio-cni");
});
