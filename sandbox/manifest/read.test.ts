import assert from "node:assert/strict";
import { test } from "node:test";
import { missingNamespaces, omissions } from "./omissions.ts";
import { readManifest } from "./read.ts";
import { parseObjects } from "./yaml.ts";

const read = (text: string) => readManifest(parseObjects([{ name: "shop.yaml", text }]), "default");

const pod = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: c}]}}";

test("documents, Lists and JSON are read alike; null is as good as absent", () => {
  const list = `{"apiVersion": "v1", "kind": "List", "items": [${JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: null } })}]}`;
  const { workloads, namespaces } = read(`---\n${pod}\n---\n# nothing\n---\n${list}\n`);
  assert.deepEqual(
    workloads.map(({ kind, name, namespace }) => [kind, name, namespace]),
    [["Pod", "web", "default"]],
  );
  assert.deepEqual(namespaces, [{ name: "shop", labels: {} }]);
});

test("other kinds are ignored by name", () => {
  const { ignored } = read(`${pod}\n---\n{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: keep}}`);
  assert.deepEqual(ignored, [{ kind: "PodDisruptionBudget", name: "keep" }]);
});

test("a Secret's texts and bytes are one", () => {
  const { secrets } = read("{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: YQ==}, stringData: {b: b}}");
  assert.deepEqual(secrets[0]?.data, { a: "YQ==", b: "Yg==" });
});

/** Mistakes and what is said of them. */
const mistakes: [string, RegExp][] = [
  ["a: [", /shop\.yaml is not YAML/],
  ["just text", /shop\.yaml:1 is not an object/],
  ["{kind: Pod}", /shop\.yaml:1 is no Kubernetes object/],
  ["{apiVersion: v1, kind: Pod, metadata: {name: web}}", /shop\.yaml:1 Pod web: spec is missing/],
  [pod.replace("c}", "c, image: 1}"), /spec\.containers\[0\]\.image "1" must be text/],
  [pod.replace("name: c", "name: C"), /spec\.containers\[0\]\.name "C" must be a DNS label/],
  [pod.replace("name: c", "name: ../c"), /must be a DNS label/],
  [pod.replace("c}", "c, ports: [{containerPort: 70000}]}"), /ports\[0\]\.containerPort "70000" must be a port/],
  [pod.replace("c}", "c, volumeMounts: [{name: v, mountPath: /a, subPath: ../../etc}]}"), /below the volume/],
  [`${pod}\n---\n${pod}`, /shop\.yaml:3 Pod web was given already at shop\.yaml:1/],
  [
    "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIP: nowhere}}",
    /spec\.clusterIP "nowhere" must be an IP address/,
  ],
];

for (const [text, expected] of mistakes) {
  test(`refused: ${text.slice(0, 60).replaceAll("\n", " ")}`, () => assert.throws(() => read(text), expected));
}

test("what is not emulated is said once, however often it is asked for", () => {
  const limited = "{name: c, resources: {limits: {cpu: 1}}}";
  const manifest = read(
    `${pod.replace("{name: c}", `${limited}, ${limited.replace("c,", "d,")}`)}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {type: NodePort}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: closed}}`,
  );
  assert.deepEqual(omissions(manifest), [
    "resources: containers share this machine without limits",
    "Service type NodePort: has its ClusterIP only",
    "NetworkPolicy closed: ignored",
  ]);
  assert.deepEqual(missingNamespaces(manifest), ["shop"]);
});
