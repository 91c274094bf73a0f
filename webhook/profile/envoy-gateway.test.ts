import assert from "node:assert/strict";
import { test } from "node:test";
import fastJsonPatch from "fast-json-patch";
import type { Pod } from "../../mesh/pod.ts";
import { admit } from "../admit.ts";
import { injectionSettings } from "../settings.ts";

const settings = injectionSettings();

const gateway = (annotations: Record<string, string> = {}): Pod => ({
  metadata: { generateName: "gate-", annotations: { "inject.istio.io/templates": "gateway", ...annotations } },
  spec: { containers: [{ name: "istio-proxy", image: "auto" }] },
});

function injected(object: Pod): Pod {
  const admission = admit({ namespace: "shop", object }, settings);
  assert.ok(admission.allowed, admission.allowed ? "" : admission.message);
  const operations = admission.patch as fastJsonPatch.Operation[];
  return fastJsonPatch.applyPatch(structuredClone(object), operations, true).newDocument;
}

const proxyOf = ({ spec }: Pod) =>
  spec.containers.find(({ name }) => name === "istio-proxy") ?? assert.fail("no proxy");
const listeners = (pod: Pod): string[] =>
  JSON.parse(proxyOf(pod).args?.[1] ?? "{}").static_resources.listeners.map(({ name }: { name: string }) => name);

test("a gateway is a stock Envoy that captures nothing", () => {
  const pod = injected(gateway());
  assert.equal(pod.spec.initContainers, undefined);
  assert.equal(pod.spec.volumes, undefined);
  assert.deepEqual(listeners(pod), ["health", "prometheus", "status"]);
  const { image, command, args, securityContext } = proxyOf(pod);
  assert.equal(image, "docker.io/envoyproxy/envoy:distroless-v1.40.0");
  assert.deepEqual(command, ["/usr/local/bin/envoy"]);
  assert.match(args?.join(" ") ?? "", /--service-node router~/);
  assert.deepEqual(
    [securityContext?.runAsNonRoot, securityContext?.readOnlyRootFilesystem, securityContext?.capabilities],
    [true, true, { drop: ["ALL"] }],
  );
  assert.deepEqual(pod.spec.securityContext, {
    sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }],
  });
});

test("a gateway listens to what its own bootstrap says, with files of its own", () => {
  const pod = injected(
    gateway({
      "sidecar.istio.io/bootstrapOverride": "edge",
      "sidecar.istio.io/userVolume": '{"tls":{"secret":{"secretName":"edge-tls"}}}',
      "sidecar.istio.io/userVolumeMount": '{"tls":{"mountPath":"/etc/tls","readOnly":true}}',
    }),
  );
  const flags = proxyOf(pod).args ?? [];
  assert.equal(flags[flags.indexOf("--config-path") + 1], "/etc/istio/custom-bootstrap/custom_bootstrap.json");
  assert.deepEqual(pod.spec.volumes, [
    { name: "custom-bootstrap-volume", configMap: { name: "edge" } },
    { name: "tls", secret: { secretName: "edge-tls" } },
  ]);
  assert.deepEqual(
    proxyOf(pod).volumeMounts?.map(({ mountPath }) => mountPath),
    ["/etc/istio/custom-bootstrap", "/etc/tls"],
  );
});

test("injecting a gateway again changes nothing", () => {
  const once = injected(gateway({ "sidecar.istio.io/bootstrapOverride": "edge" }));
  assert.deepEqual(injected(once), once);
});

test("a container beside a gateway is asked by it, as by a sidecar", () => {
  const pod = gateway();
  pod.spec.containers.push({ name: "exporter", image: "exporter:1", livenessProbe: { httpGet: { port: 9000 } } });
  const result = injected(pod);
  assert.equal(result.spec.containers[0]?.livenessProbe?.httpGet?.path, "/app-health/exporter/livez");
  assert.match(proxyOf(result).args?.[1] ?? "", /app-health\/exporter\/livez/);
});

for (const template of ["grpc-agent", "grpc-simple"]) {
  test(`${template} is denied with the reason: a stock Envoy has no agent`, () => {
    const admission = admit(
      { namespace: "shop", object: gateway({ "inject.istio.io/templates": template }) },
      settings,
    );
    assert.ok(!admission.allowed);
    assert.match(
      admission.message,
      new RegExp(`"${template}" needs Istio's agent .*use the profile istio.* sidecar, gateway`),
    );
  });
}
