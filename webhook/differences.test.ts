import assert from "node:assert/strict";
import { test } from "node:test";
import fastJsonPatch from "fast-json-patch";
import type { Container, Pod } from "../mesh/pod.ts";
import { type Admission, admit } from "./admit.ts";
import { injectionSettings } from "./settings.ts";

/**
 * What Outrigger does otherwise than Istio's injector, on purpose. The numbers are those of
 * docs/differences-from-istio-injector.md.
 */
const istio = injectionSettings({ profile: "istio" });
const envoy = injectionSettings();

const pod = (annotations: Record<string, string> = {}, container: Partial<Container> = {}, spec: object = {}): Pod => ({
  metadata: { name: "till", annotations },
  spec: { containers: [{ name: "till", image: "till:1", ...container }], ...spec },
});

function patched(object: Pod, admission: Admission): Pod {
  assert.ok(admission.allowed, admission.allowed ? "" : admission.message);
  const operations = admission.patch as fastJsonPatch.Operation[];
  return fastJsonPatch.applyPatch(structuredClone(object), operations, true).newDocument;
}

const injected = (object: Pod, settings = istio) => patched(object, admit({ namespace: "shop", object }, settings));
const application = ({ spec }: Pod) => spec.containers.find(({ name }) => name === "till") ?? assert.fail("no till");
const statusPort = "status.sidecar.istio.io/port";
const readiness = { readinessProbe: { httpGet: { port: 8080 } } };

test("difference 1: includeOutboundPorts is checked, and can add nothing to istio-init", () => {
  const object = pod({ "traffic.sidecar.istio.io/includeOutboundPorts": '3306"\n    - "--privileged' });
  const admission = admit({ namespace: "shop", object }, istio);
  assert.ok(!admission.allowed);
  assert.match(admission.message, /includeOutboundPorts"\] .* is not a list of ports/);
});

test("difference 2: in the envoy profile, the status port moves probes and metrics together", () => {
  const result = injected(pod({ [statusPort]: "15099" }, readiness), envoy);
  assert.equal(result.metadata.annotations?.["prometheus.io/port"], "15099");
  assert.equal(application(result).readinessProbe?.httpGet?.port, 15099);
  const proxy = result.spec.initContainers?.find(({ name }) => name === "istio-proxy");
  assert.match(proxy?.args?.join(" ") ?? "", /"port_value":15099/);
});

test("difference 3: status port 0 leaves the application's probes as they are", () => {
  for (const settings of [istio, envoy]) {
    const result = injected(pod({ [statusPort]: "0" }, readiness), settings);
    assert.deepEqual(application(result).readinessProbe, readiness.readinessProbe);
  }
});

test("difference 4: a probe on a port that the container does not name stays, with a warning", () => {
  const probe = { readinessProbe: { httpGet: { port: "web" } } };
  const object = pod({}, probe);
  const admission = admit({ namespace: "shop", object }, istio);
  assert.deepEqual(application(patched(object, admission)).readinessProbe, probe.readinessProbe);
  assert.match(admission.warnings.join(), /names the port "web"/);
});

test("difference 5: a volume of the user's that would clash with an injected one is denied, with its name", () => {
  const object = pod({}, {}, { volumes: [{ name: "istio-envoy", hostPath: { path: "/x" } }] });
  const admission = admit({ namespace: "shop", object }, istio);
  assert.ok(!admission.allowed);
  assert.match(admission.message, /spec\.volumes "istio-envoy"/);
});

test("difference 6: one annotation of the proxy's resources still replaces the defaults, with a warning", () => {
  const object = pod({ "sidecar.istio.io/proxyCPU": "1" });
  const admission = admit({ namespace: "shop", object }, istio);
  const proxy = patched(object, admission).spec.initContainers?.find(({ name }) => name === "istio-proxy");
  assert.deepEqual(proxy?.resources, { requests: { cpu: "1" } });
  assert.match(admission.warnings.join(), /replaces all the defaults/);
});

test("difference 7: two thousand variables change neither the patch's size nor what is looked at", () => {
  const env = Array.from({ length: 2000 }, (_unused, index) => ({ name: `V${index}`, value: "x" }));
  const few = admit({ namespace: "shop", object: pod() }, istio);
  const many = admit({ namespace: "shop", object: pod({}, { env }) }, istio);
  assert.ok(few.allowed && many.allowed);
  assert.deepEqual(many.patch, few.patch);
});

test("difference 9: fields that Outrigger does not know stay in the container that they are in", () => {
  const unknown = { futureProbe: { grpc: { port: 1 } }, ports: [{ containerPort: 80, futureField: true }] };
  const held = injectionSettings({
    profile: "istio",
    nativeSidecars: "disabled",
    values: { global: { proxy: { holdApplicationUntilProxyStarts: true } } },
  });
  const result = injected(pod({}, unknown, { futureSpec: ["a"] }), held);
  assert.deepEqual(
    result.spec.containers.map(({ name }) => name),
    ["istio-proxy", "till"],
  );
  assert.deepEqual(application(result).futureProbe, unknown.futureProbe);
  assert.deepEqual(application(result).ports, unknown.ports);
  assert.deepEqual(result.spec.futureSpec, ["a"]);
});

test("difference 10: what others added to injected containers survives injecting again", () => {
  const once = injected(pod());
  const mount = { name: "kube-api-access-x", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" };
  const mounted: Pod = {
    ...once,
    spec: {
      ...once.spec,
      initContainers: (once.spec.initContainers ?? []).map((one) => ({
        ...one,
        volumeMounts: [...(one.volumeMounts ?? []), mount],
      })),
    },
  };
  assert.deepEqual(injected(mounted), mounted);
});

test("difference 11: references to the environment in annotations stay text", () => {
  const object = pod({ "sidecar.istio.io/logLevel": "$(SECRET)" });
  const proxy = injected(object).spec.initContainers?.find(({ name }) => name === "istio-proxy");
  assert.ok(proxy?.args?.includes("--proxyLogLevel=$$(SECRET)"));
});

test("difference 12: a Pod that is nothing but a proxy keeps it as a container", () => {
  const result = injected({
    metadata: { name: "gate" },
    spec: { containers: [{ name: "istio-proxy", image: "auto" }] },
  });
  assert.deepEqual(
    result.spec.containers.map(({ name }) => name),
    ["istio-proxy"],
  );
  assert.deepEqual(
    result.spec.initContainers?.map(({ name }) => name),
    ["istio-init"],
  );
});

test("difference 13: in the envoy profile, a probe of another host stays as it is", () => {
  const probe = { readinessProbe: { httpGet: { host: "10.1.2.3", port: 80 } } };
  const object = pod({}, probe);
  const admission = admit({ namespace: "shop", object }, envoy);
  assert.deepEqual(application(patched(object, admission)).readinessProbe, probe.readinessProbe);
  assert.match(admission.warnings.join(), /asks the host "10\.1\.2\.3"/);
});

test("difference 14: under TPROXY, the init command knows the proxy by the group that it runs as", () => {
  for (const [securityContext, flags] of [
    [{ runAsUser: 5000 }, ["-g", "1337"]],
    [{ runAsGroup: 6000 }, ["-g", "6000"]],
    [{}, []],
  ] as const) {
    const object = pod({ "sidecar.istio.io/interceptionMode": "TPROXY" });
    object.spec.containers.push({ name: "istio-proxy", image: "auto", securityContext });
    const all = injected(object).spec.initContainers ?? [];
    const args = all.find(({ name }) => name === "istio-init")?.args ?? [];
    assert.deepEqual(args.includes("-g") ? args.slice(args.indexOf("-g"), args.indexOf("-g") + 2) : [], [...flags]);
    const proxy = all.find(({ name }) => name === "istio-proxy")?.securityContext;
    assert.deepEqual([proxy?.runAsUser, proxy?.runAsGroup], [0, Number(flags[1] ?? 1337)]);
  }
});
