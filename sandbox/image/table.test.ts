import assert from "node:assert/strict";
import { test } from "node:test";
import { readPod } from "../pod/schema.ts";
import { parseImage } from "./reference.ts";
import { resolveProgram } from "./resolve.ts";
import { builtInRules, parseImageRule, ruleFor } from "./table.ts";

test("an image reference is completed as a runtime does it", () => {
  const cases: [string, string, string][] = [
    ["node", "docker.io/library/node", "latest"],
    ["node:24-alpine", "docker.io/library/node", "24-alpine"],
    ["curlimages/curl:8", "docker.io/curlimages/curl", "8"],
    ["registry.example:5000/a/b:1", "registry.example:5000/a/b", "1"],
    ["localhost/a", "localhost/a", "latest"],
    ["a/b@sha256:00", "docker.io/a/b", ""],
    ["a/b:1@sha256:00", "docker.io/a/b", "1"],
  ];
  for (const [image, repository, tag] of cases) assert.deepEqual(parseImage(image), { repository, tag }, image);
});

const rules = builtInRules({ project: "/project", node: "/node", envoy: "/envoy" });

function program(container: object, options: Partial<Parameters<typeof resolveProgram>[1]> = {}) {
  const pod = readPod(
    { metadata: { name: "p", namespace: "n", uid: "u" }, spec: { containers: [{ name: "c", ...container }] } },
    "Pod",
  );
  const [spec] = pod.spec.containers;
  assert.ok(spec);
  return resolveProgram(spec, { rules, ...options });
}

test("Outrigger's own images stand for this checkout and this Envoy", () => {
  const init = program({ image: "outrigger/init:0.1.0", args: ["init", "-p", "15001"] });
  assert.deepEqual(init.argv, ["/opt/outrigger/bin/outrigger", "init", "-p", "15001"]);
  assert.deepEqual(init.files, [{ source: "/project", target: "/opt/outrigger" }]);
  const proxy = program({ image: "docker.io/envoyproxy/envoy:distroless-v1.40.0", command: ["/usr/local/bin/envoy"] });
  assert.deepEqual(proxy.files, [{ source: "/envoy", target: "/usr/local/bin/envoy" }]);
  assert.deepEqual(ruleFor("node:24-alpine", rules)?.entrypoint, ["node"]);
});

test("a command runs whatever the image is; args alone need an image that is known", () => {
  assert.deepEqual(program({ image: "x/y", command: ["sh", "-c"], args: ["true"] }).argv, ["sh", "-c", "true"]);
  assert.throws(() => program({ image: "x/y", args: ["a"] }), /--image x\/y=COMMAND/);
});

test("an echo server stands in on the container's ports, and says so", () => {
  const ports = [{ containerPort: 80 }, { containerPort: 53, protocol: "UDP" }];
  const found = program({ image: "x/y", ports }, { standIn: { node: "/node", script: "/echo.ts" } });
  assert.ok(found.standIn);
  assert.deepEqual(found.argv.slice(2), ["tcp:80", "udp:53"]);
});

test("--image gives a program for an image, by name or pattern", () => {
  const own = parseImageRule("registry.example/app:*=/bin/app --port=80 -x");
  assert.deepEqual(own.entrypoint, ["/bin/app", "--port=80", "-x"]);
  assert.deepEqual(program({ image: "registry.example/app:7", args: ["y"] }, { rules: [own] }).argv.at(-1), "y");
  assert.deepEqual(parseImageRule('app=["/bin/my app","a b"]').entrypoint, ["/bin/my app", "a b"]);
  for (const wrong of ["app", "app=", "=x", "app=[1]", "app=[]", "app=[x"])
    assert.throws(() => parseImageRule(wrong), /NAME=COMMAND/);
});
