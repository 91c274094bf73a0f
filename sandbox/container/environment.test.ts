import assert from "node:assert/strict";
import { test } from "node:test";
import { readPod } from "../pod/schema.ts";
import { ContainerConfigError, environmentOf } from "./environment.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

const references = {
  configMaps: [{ name: "settings", namespace: "shop", data: { COLOUR: base64("blue"), "dotted.key": base64("x") } }],
  secrets: [{ name: "door", namespace: "shop", data: { CODE: base64("1234") } }],
};

function environment(container: object, spec: object = {}): Map<string, string> {
  const pod = readPod(
    {
      metadata: { name: "web-0", namespace: "shop", uid: "u", labels: { app: "web" }, annotations: { "a/b": "c" } },
      spec: { ...spec, containers: [{ name: "web", ...container }] },
    },
    "Pod",
  );
  const facts = {
    pod,
    podIps: ["10.0.0.1", "fd00::1"],
    nodeName: "sandbox",
    nodeIps: ["10.0.0.254"],
    machine: { cpu: 2, memoryBytes: 1024 },
  };
  const [first] = pod.spec.containers;
  assert.ok(first);
  return environmentOf(first, facts, references, new Map([["WEB_SERVICE_HOST", "10.96.0.1"]]));
}

test("a variable sees those before it, and not those after it", () => {
  const variables = environment({
    env: [
      { name: "EARLY", value: "$(LATE)" },
      { name: "LATE", value: "late" },
      { name: "BOTH", value: "$(LATE) $(EARLY) $(WEB_SERVICE_HOST)" },
    ],
  });
  assert.equal(variables.get("BOTH"), "late $(LATE) 10.96.0.1");
});

test("fields of the Pod are given by reference", () => {
  const paths: [string, string][] = [
    ["metadata.name", "web-0"],
    ["metadata.namespace", "shop"],
    ["metadata.labels['app']", "web"],
    ["metadata.labels['none']", ""],
    ["metadata.annotations['a/b']", "c"],
    ["status.podIP", "10.0.0.1"],
    ["status.podIPs", "10.0.0.1,fd00::1"],
    ["status.hostIP", "10.0.0.254"],
    ["spec.serviceAccountName", "default"],
    ["spec.nodeName", "sandbox"],
  ];
  for (const [fieldPath, expected] of paths) {
    const variables = environment({ env: [{ name: "X", valueFrom: { fieldRef: { fieldPath } } }] });
    assert.equal(variables.get("X"), expected, fieldPath);
  }
  assert.throws(
    () => environment({ env: [{ name: "X", valueFrom: { fieldRef: { fieldPath: "spec.x" } } }] }),
    /spec\.x/,
  );
});

test("resources are given by reference; what is not limited has the machine's", () => {
  const value = (resource: string, divisor: string, resources: object) =>
    environment({
      resources,
      env: [{ name: "X", valueFrom: { resourceFieldRef: { resource, divisor } } }],
    }).get("X");
  assert.equal(value("limits.cpu", "1", { limits: { cpu: "1500m" } }), "2");
  assert.equal(value("limits.cpu", "1m", { limits: { cpu: "1500m" } }), "1500");
  assert.equal(value("limits.memory", "1", {}), "1024");
  assert.equal(value("requests.memory", "1Mi", { requests: { memory: "64Mi" } }), "64");
});

test("envFrom gives every key, with a prefix; env wins over it", () => {
  const variables = environment({
    envFrom: [{ configMapRef: { name: "settings" }, prefix: "P_" }, { secretRef: { name: "door" } }],
    env: [{ name: "CODE", value: "0000" }],
  });
  assert.equal(variables.get("P_COLOUR"), "blue");
  assert.equal(variables.get("P_dotted.key"), "x");
  assert.equal(variables.get("CODE"), "0000");
});

test("what is not there is an error, unless it is optional", () => {
  const from = (valueFrom: object) => environment({ env: [{ name: "X", valueFrom }] }).get("X");
  assert.equal(from({ configMapKeyRef: { name: "settings", key: "COLOUR" } }), "blue");
  assert.equal(from({ secretKeyRef: { name: "none", key: "k", optional: true } }), undefined);
  assert.throws(() => from({ configMapKeyRef: { name: "none", key: "k" } }), ContainerConfigError);
  assert.throws(() => from({ secretKeyRef: { name: "door", key: "k" } }), /couldn't find key k in secret shop\/door/);
});
