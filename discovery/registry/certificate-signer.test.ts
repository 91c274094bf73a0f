import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { podCertificate, podCertificateSource } from "../../mesh/envoy/pod-certificate.ts";
import type { Container, Volume } from "../../mesh/pod.ts";
import { certificateSignerOf } from "./certificate-signer.ts";

const source = podCertificateSource("outrigger.dev/mesh", 86_400);
const volume = (sources: unknown): Volume => ({ name: "identity", projected: { sources } }) as Volume;
const container = (name: string, mountPath: string = podCertificate.folder): Container => ({
  name,
  image: "envoy",
  volumeMounts: [{ name: "identity", mountPath }],
});

const cases: readonly (readonly [
  what: string,
  containers: Container[],
  volumes: Volume[],
  signer: string | undefined,
])[] = [
  ["the sidecar's own volume", [container("istio-proxy")], [volume([source])], "outrigger.dev/mesh"],
  ["beside other sources", [container("istio-proxy")], [volume([{ secret: {} }, source])], "outrigger.dev/mesh"],
  [
    "what the API server left of a source that it does not offer",
    [container("istio-proxy")],
    [volume([{}])],
    undefined,
  ],
  ["the application's", [container("app"), { name: "istio-proxy", image: "envoy" }], [volume([source])], undefined],
  ["elsewhere", [container("istio-proxy", "/elsewhere")], [volume([source])], undefined],
  [
    "other files",
    [container("istio-proxy")],
    [volume([{ podCertificate: { signerName: "a/b", keyPath: "k" } }])],
    undefined,
  ],
  ["another kind of volume", [container("istio-proxy")], [{ name: "identity", emptyDir: {} }], undefined],
  ["no volume", [container("istio-proxy")], [], undefined],
];

describe("the signer of a sidecar's certificate", () => {
  for (const [what, containers, volumes, expected] of cases) {
    it(`${what}: ${expected ?? "none"}`, () => {
      assert.equal(certificateSignerOf({ spec: { containers, volumes } }), expected);
      assert.equal(certificateSignerOf({ spec: { initContainers: containers, containers: [], volumes } }), expected);
    });
  }
});
