import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../mesh/pod.ts";
import { admit } from "./admit.ts";
import { injectionSettings } from "./settings.ts";

const base: Pod = { metadata: { name: "till" }, spec: { containers: [{ name: "till", image: "till:1" }] } };
const withAnnotation = (name: string, value: string): Pod => ({
  ...base,
  metadata: { name: "till", annotations: { [name]: value } },
});
const withLabel = (name: string, value: string): Pod => ({
  ...base,
  metadata: { name: "till", labels: { [name]: value } },
});
const withSpec = (spec: object): Pod => ({ ...base, spec: { ...base.spec, ...spec } });

const warned: { what: string; pod: Pod; warning: RegExp | undefined }[] = [
  { what: "an ordinary Pod", pod: base, warning: undefined },
  {
    what: "inject: yes",
    pod: withLabel("sidecar.istio.io/inject", "yes"),
    warning: /"yes" is neither "true" nor "false"/,
  },
  {
    what: "a label as an annotation",
    pod: withAnnotation("istio.io/rev", "canary"),
    warning: /istio\.io\/rev has no effect: it must be a label/,
  },
  {
    what: "an annotation as a label",
    pod: withLabel("traffic.sidecar.istio.io/excludeInboundPorts", "80"),
    warning: /excludeInboundPorts has no effect: it must be an annotation/,
  },
  {
    what: "the proxy's user for a container",
    pod: withSpec({ containers: [{ name: "till", securityContext: { runAsUser: 1337 } }] }),
    warning: /container till runs as user 1337/,
  },
  {
    what: "the proxy's user for the Pod",
    pod: withSpec({ securityContext: { runAsUser: 1337 } }),
    warning: /container till runs as user 1337/,
  },
  {
    what: "the proxy's user for the proxy alone",
    pod: withSpec({
      containers: [{ name: "till" }, { name: "istio-proxy", image: "auto", securityContext: { runAsUser: 1337 } }],
    }),
    warning: undefined,
  },
  {
    what: "a probe's port that the container does not have",
    pod: withSpec({ containers: [{ name: "till", readinessProbe: { httpGet: { port: "web" } } }] }),
    warning: /readinessProbe of container till names the port "web"/,
  },
  {
    what: "one annotation of the proxy's resources",
    pod: withAnnotation("sidecar.istio.io/proxyCPU", "1"),
    warning: /replaces all the defaults/,
  },
  {
    what: "an image without a registry",
    pod: withAnnotation("sidecar.istio.io/proxyImage", "proxyv2"),
    warning: /"proxyv2" has no effect/,
  },
  {
    what: "a native sidecar: yes",
    pod: withAnnotation("sidecar.istio.io/nativeSidecar", "yes"),
    warning: /nativeSidecar: "yes" is neither/,
  },
  {
    what: "an odd TLS mode",
    pod: withLabel("security.istio.io/tlsMode", "strict"),
    warning: /tlsMode: "strict" is neither/,
  },
  {
    what: "an injected volume's name",
    pod: withSpec({ volumes: [{ name: "workload-socket", csi: { driver: "csi.spiffe.io" } }] }),
    warning: /volume workload-socket has the name of one that injection adds/,
  },
];

for (const { what, pod, warning } of warned) {
  test(`warns about ${what}: ${warning ?? "nothing"}`, () => {
    const admission = admit({ namespace: "shop", object: pod }, injectionSettings({ profile: "istio" }));
    assert.ok(admission.allowed, admission.allowed ? "" : admission.message);
    if (warning === undefined) assert.deepEqual(admission.warnings, []);
    else assert.match(admission.warnings.join("\n"), warning);
  });
}

test("a volume that the Pod and injection would both give a source is denied", () => {
  const pod = withSpec({ volumes: [{ name: "istio-data", hostPath: { path: "/data" } }] });
  const admission = admit({ namespace: "shop", object: pod }, injectionSettings({ profile: "istio" }));
  assert.ok(!admission.allowed);
  assert.match(admission.message, /spec\.volumes "istio-data" .*hostPath and emptyDir.*another name/);
});

test("an injected Pod is not warned about what injection wrote", () => {
  const settings = injectionSettings({ profile: "istio" });
  const injectedStatus = JSON.stringify({ initContainers: null, containers: null, volumes: null });
  const annotations = { "sidecar.istio.io/status": injectedStatus, "istio.io/rev": "default" };
  const admission = admit(
    { namespace: "shop", object: { ...base, metadata: { name: "till", annotations } } },
    settings,
  );
  assert.deepEqual(admission.warnings, []);
});
