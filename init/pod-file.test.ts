import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { OutriggerError } from "../mesh/errors.ts";
import { annotations } from "../mesh/names.ts";
import { readPodFile } from "./pod-file.ts";

/** A file that goes when the test ends. */
function fileOf(text: string, context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-pod-file-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "pod.yaml");
  writeFileSync(file, text);
  return file;
}

const proxy = (fields: object) => ({ spec: { containers: [{ name: "istio-proxy", ...fields }] } });
const annotated = (name: string, value: unknown) => ({
  metadata: { annotations: { [name]: value } },
  spec: { containers: [] },
});

/** Files that are no Pod, or one with fields that capture cannot read, and what is said of them. */
const wrong: readonly (readonly [string, string, RegExp])[] = [
  ["a list", "[]", /holds no Pod/],
  ["no YAML", "a: b: c", /cannot be read/],
  ["two documents", "a: 1\n---\nb: 2\n", /cannot be read/],
  [
    "an alias that grows",
    `a: &a [x,x]\n${[..."bcdefgh"].map((name, index) => `${name}: &${name} [${`*${"abcdefgh"[index]},`.repeat(20)}]`).join("\n")}`,
    /cannot be read/,
  ],
  ["more than the API server takes", `# ${"x".repeat(4_000_000)}`, /4000002 characters/],
  ["a container that is none", JSON.stringify({ spec: { containers: [null] } }), /spec\.containers\[0\]/],
  ["variables that are none", JSON.stringify(proxy({ env: "x" })), /spec\.containers\[0\]\.env/],
  ["a variable that is a number", JSON.stringify(proxy({ env: [{ name: "A", value: 1 }] })), /quote it/],
  ["a user that is a text", JSON.stringify(proxy({ securityContext: { runAsUser: "1; x" } })), /runAsUser "1; x"/],
  ["a status port that is none", JSON.stringify(annotated(annotations.statusPort, "65536")), /"65536" is not a whole/],
  ["an annotation that is a number", JSON.stringify(annotated(annotations.excludeInboundPorts, 80)), /quote it/],
];

for (const [name, text, says] of wrong) {
  test(`a Pod's file with ${name} is refused`, async (context) => {
    const file = fileOf(text, context);
    await assert.rejects(
      readPodFile(file, false),
      (error: unknown) => error instanceof OutriggerError && error.exitCode === 1 && says.test(error.message),
    );
  });
}

test("what is null counts as absent", async (context) => {
  const pod = { metadata: null, spec: { containers: [{ name: "istio-proxy", env: null }], initContainers: null } };
  const { capture } = await readPodFile(fileOf(JSON.stringify(pod), context), false);
  assert.ok(capture.captured);
});

test("a workload's template is a Pod, and a Pod of the cluster has its addresses", async (context) => {
  const pod = {
    metadata: { annotations: { [annotations.includeInboundPorts]: "8080" } },
    spec: { containers: [{ name: "till" }] },
    status: { podIPs: [{ ip: "10.0.0.7" }, { ip: "x" }] },
  };
  const deployment = { kind: "Deployment", spec: { template: pod } };
  const { capture } = await readPodFile(fileOf(JSON.stringify(deployment), context), false);
  assert.equal(capture.captured && capture.settings.inboundPorts?.text, "8080");
  const { addresses } = await readPodFile(fileOf(JSON.stringify(pod), context), true);
  assert.equal(addresses.length, 1);
});
