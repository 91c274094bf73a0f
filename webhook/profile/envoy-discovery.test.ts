import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fastJsonPatch from "fast-json-patch";
import type { Container, Pod } from "../../mesh/pod.ts";
import { admit } from "../admit.ts";
import { type InjectionSettings, injectionSettings } from "../settings.ts";

const discovery = { address: "discovery.outrigger-system.svc:15012", rootCertificates: "PEM of $(the root)" };

function injected(settings: InjectionSettings, object?: Pod): Pod {
  const given: Pod = object ?? {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "till", labels: { app: "till" } },
    spec: { containers: [{ name: "till", image: "till:1" }] },
  };
  const admission = admit({ namespace: "shop", object: given }, settings);
  assert.ok(admission.allowed);
  return fastJsonPatch.applyPatch(structuredClone(given), admission.patch as fastJsonPatch.Operation[], true)
    .newDocument;
}

const proxyOf = ({ spec }: Pod): Container => {
  const proxy = [...(spec.initContainers ?? []), ...spec.containers].find(({ name }) => name === "istio-proxy");
  assert.ok(proxy);
  return proxy;
};

interface BootstrapText {
  readonly dynamic_resources?: unknown;
  readonly static_resources: { readonly listeners: { readonly name: string }[] };
}

const bootstrapOf = (pod: Pod) => JSON.parse((proxyOf(pod).args?.[1] ?? "").replaceAll("$$", "$")) as BootstrapText;

describe("a sidecar with a control plane", () => {
  const pod = injected(injectionSettings({ discovery }));

  it("connects to it, and takes the capture ports' listeners from it", () => {
    const bootstrap = bootstrapOf(pod);
    const text = JSON.stringify(bootstrap.dynamic_resources);
    assert.match(text, /"target_uri":"discovery\.outrigger-system\.svc:15012"/);
    assert.match(text, /PEM of \$\(the root\)/);
    const names = bootstrap.static_resources.listeners.map(({ name }) => name);
    assert.deepEqual(
      names.filter((name) => name.startsWith("virtual")),
      [],
    );
  });

  it("has a token of its own for it, which only istio-proxy mounts", () => {
    const [volume] = pod.spec.volumes ?? [];
    const token = { audience: "outrigger-discovery", expirationSeconds: 43_200, path: "outrigger-token" };
    assert.deepEqual(volume, { name: "outrigger-token", projected: { sources: [{ serviceAccountToken: token }] } });
    const mounts = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].flatMap(({ name, volumeMounts = [] }) =>
      volumeMounts.map((mount) => `${name} ${mount.name} ${mount.mountPath}`),
    );
    assert.deepEqual(mounts, ["istio-proxy outrigger-token /var/run/secrets/tokens"]);
  });

  it("says by a label that it takes mutual TLS", () => {
    assert.equal(pod.metadata.labels?.["security.istio.io/tlsMode"], "istio");
  });

  it("says whose spans it makes, after what the text refers to", () => {
    const env = proxyOf(pod).env ?? [];
    const value = env.find(({ name }) => name === "OTEL_RESOURCE_ATTRIBUTES")?.value ?? "";
    assert.match(value, /^service\.name=\$\(CANONICAL_SERVICE\)\.\$\(POD_NAMESPACE\),.*k8s\.pod\.name=\$\(POD_NAME\)$/);
    const position = (wanted: string) => env.findIndex(({ name }) => name === wanted);
    for (const name of ["CANONICAL_SERVICE", "POD_NAMESPACE", "POD_NAME"]) {
      assert.ok(position(name) >= 0 && position(name) < position("OTEL_RESOURCE_ATTRIBUTES"), name);
    }
  });

  it("is left alone by a second injection", () => {
    assert.deepEqual(injected(injectionSettings({ discovery }), pod), pod);
  });
});

describe("a sidecar whose key the kubelet makes", () => {
  const settings = injectionSettings({ discovery: { ...discovery, podCertificateSigner: "outrigger.dev/mesh" } });
  const pod = injected(settings);

  it("has it in a volume that only istio-proxy mounts, beside its token", () => {
    const podCertificate = {
      signerName: "outrigger.dev/mesh",
      keyType: "ECDSAP256",
      maxExpirationSeconds: 86_400,
      keyPath: "key.pem",
      certificateChainPath: "certificate-chain.pem",
    };
    const [token, certificate, ...more] = pod.spec.volumes ?? [];
    assert.equal(token?.name, "outrigger-token");
    assert.deepEqual(certificate, { name: "outrigger-certificate", projected: { sources: [{ podCertificate }] } });
    assert.deepEqual(more, []);
    const mounts = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].flatMap(({ name, volumeMounts = [] }) =>
      volumeMounts.map((mount) => `${name} ${mount.name} ${mount.mountPath} ${mount.readOnly}`),
    );
    assert.deepEqual(mounts, [
      "istio-proxy outrigger-token /var/run/secrets/tokens true",
      "istio-proxy outrigger-certificate /var/run/secrets/workload-certificate true",
    ]);
  });

  it("starts with the same bootstrap: discovery tells it where its files are", () => {
    assert.deepEqual(bootstrapOf(pod), bootstrapOf(injected(injectionSettings({ discovery }))));
  });

  it("is left alone by a second injection", () => {
    assert.deepEqual(injected(settings, pod), pod);
  });
});

describe("a sidecar without a control plane", () => {
  it("has none of it", () => {
    const pod = injected(injectionSettings());
    assert.equal(bootstrapOf(pod).dynamic_resources, undefined);
    assert.equal(pod.spec.volumes, undefined);
    assert.equal(pod.metadata.labels?.["security.istio.io/tlsMode"], undefined);
  });
});
