import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import type { JsonObject } from "../../mesh/pod.ts";
import { injectionSettings } from "../settings.ts";
import { injectYaml } from "./inject-yaml.ts";
import { valueAt } from "./workload.ts";

const settings = injectionSettings();
const inject = (text: string) => injectYaml(text, { source: "test", namespace: "shop" }, settings);

const containers = "spec: {containers: [{name: till}]}";
const template = `template: {metadata: {labels: {app: till}}, ${containers}}`;

const workloads: { kind: string; spec: string; path: (string | number)[] }[] = [
  { kind: "Pod", spec: containers, path: [] },
  ...["Deployment", "DeploymentConfig", "DaemonSet", "ReplicaSet", "ReplicationController", "StatefulSet", "Job"].map(
    (kind) => ({ kind, spec: `spec: {${template}}`, path: ["spec", "template"] }),
  ),
  {
    kind: "CronJob",
    spec: `spec: {jobTemplate: {spec: {${template}}}}`,
    path: ["spec", "jobTemplate", "spec", "template"],
  },
  {
    kind: "List",
    spec: `items: [{kind: ConfigMap}, {kind: Deployment, spec: {${template}}}]`,
    path: ["items", 1, "spec", "template"],
  },
];

for (const { kind, spec, path } of workloads) {
  test(`a ${kind} is injected where its Pod template stands`, () => {
    const { text, outcomes } = inject(`kind: ${kind}\n${spec}\n`);
    const pod = valueAt(parseAllDocuments(text)[0]?.toJS(), path);
    const names = valueAt(pod, ["spec", "initContainers"]) as JsonObject[];
    assert.deepEqual(
      names.map(({ name }) => name),
      ["istio-init", "istio-proxy"],
    );
    assert.equal(outcomes.length, 1);
  });
}

test("documents that are not injected go out byte for byte", () => {
  const text =
    "kind:   Service # odd\n---\n\nkind: Pod\nmetadata: {labels: {sidecar.istio.io/inject: 'false'}}\nspec: {containers: []}";
  assert.equal(inject(text).text, text);
});

test("everything that is wrong is reported at once, by workload and field", () => {
  const bad =
    "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{}]}\n---\nkind: Deployment\nmetadata: {name: b}\nspec: {}\n";
  assert.throws(() => inject(bad), /Pod\/a spec\.containers\[0\]\.name is missing\n.*Deployment\/b/);
});

test("refuses a document that is no mapping, by the file's name", () => {
  assert.throws(() => inject("root:x:0:0:root:/root:/bin/bash\n"), /test is no Kubernetes object; give YAML/);
});

test("takes a null metadata as an absent one, as Kubernetes does", () => {
  const { text } = inject(`kind: Deployment\nspec: {template: {metadata: , ${containers}}}\n`);
  assert.match(text, /istio-proxy/);
});
