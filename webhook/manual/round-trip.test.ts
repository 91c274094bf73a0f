import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { profileNames } from "../profile/profiles.ts";
import { injectionSettings } from "../settings.ts";
import { injectYaml } from "./inject-yaml.ts";
import { uninjectYaml } from "./uninject-yaml.ts";

/** A line as people write it: with a comment behind it, more or less aligned, or above it, or a blank line. */
const ornament = fc.constantFrom("", "", "", "", "  # why", " # a: b", "\t# tabbed", "      # aligned");
const above = fc.constantFrom("", "", "", "", "# above\n", "\n", "\n\n\n");

/** A comment behind a field that only holds others is not among them: YAML's own tools move it a line down. */
function ornate(lines: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(...lines.map((line) => fc.tuple(above, line.endsWith(":") ? fc.constant("") : ornament)))
    .map((marks) => lines.map((line, index) => `${marks[index]?.[0]}${line}${marks[index]?.[1]}\n`).join(""));
}

const probe = fc.constantFrom(
  [],
  ["readinessProbe:", "  httpGet:", "    path: '/ready?a=1'", "    port: 9090"],
  ["livenessProbe:", "  httpGet: {path: /live, port: web}"],
);

const metadata = fc.constantFrom(
  [],
  ["metadata:", "  labels:", "    app: till"],
  ["metadata:", "  labels: {app: till, tier: 'front'}", "  annotations:", '    prometheus.io/port: "8080"'],
  ["metadata:", "  annotations:", '    "team": checkout', "  labels:", "    a: b"],
);

const volumes = fc.constantFrom([], ["- name: data", "  emptyDir: {}"]);
const initContainers = fc.constantFrom([], ["- {name: migrate, image: 'till:1'}"]);
const indented = (by: number, lines: readonly string[]) => lines.map((line) => `${" ".repeat(by)}${line}`);
const list = (field: string, items: readonly string[], deeper: number) =>
  items.length === 0 ? [] : [`${field}:`, ...indented(deeper, items)];

/** The Pod's part of a workload, `by` columns in, with all lists below their key or as deep as it. */
const template = (by: number) =>
  fc
    .tuple(metadata, probe, volumes, initContainers, fc.constantFrom(0, 2))
    .map(([meta, probes, volume, init, deeper]) => {
      const ports = list("ports", ["- name: web", "  containerPort: 8080"], deeper);
      const command = `command: ["sh", '-c' ,  "sleep 1"]`;
      const container = ["- name: till", ...indented(2, ["image: 'till:1'", command, ...ports, ...probes])];
      const lists = [
        ...list("initContainers", init, deeper),
        ...list("containers", container, deeper),
        ...list("volumes", volume, deeper),
      ];
      return indented(by, [...meta, "spec:", ...indented(2, lists)]);
    });

const workload = fc.oneof(
  template(4).map((lines) => [
    ...["apiVersion: apps/v1", "kind: Deployment", "metadata:", "  name: till", "spec:", "  template:"],
    ...lines,
  ]),
  template(8).map((lines) => [
    ...["apiVersion: batch/v1", "kind: CronJob", "metadata: {name: till}", "spec:", "  jobTemplate:", "    spec:"],
    ...["      template:", ...lines],
  ]),
);
const configMap = "kind: ConfigMap\nmetadata:   {name: x}\ndata:\n  a: |\n    text\n\n    more # no comment\n";
const document = fc.oneof(
  { weight: 3, arbitrary: workload.chain(ornate) },
  { weight: 1, arbitrary: fc.constant(configMap) },
);
const separator = fc.constantFrom("---\n", "--- # next\n", "---\n# the next one\n");
const stream = fc
  .array(fc.tuple(separator, document), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.map(([mark, text], index) => (index === 0 ? text : mark + text)).join(""));

for (const profile of profileNames) {
  test(`files come back from uninject as they were, comments and layout included: ${profile}`, () => {
    const settings = injectionSettings({ profile });
    fc.assert(
      fc.property(stream, (text) => {
        const injected = injectYaml(text, { source: "till.yaml", namespace: "shop" }, settings);
        assert.equal(uninjectYaml(injected.text, "till.yaml"), text);
      }),
      { numRuns: 30 },
    );
  });
}

test("a probe of another kind comes back where it stood, as it was written, with its comment", () => {
  const text = `kind: Pod
metadata:
  name: till
spec:
  containers:
  - name: till
    livenessProbe:
      tcpSocket: {port: 9090} # the door
      periodSeconds: 7
`;
  const injected = injectYaml(text, { source: "till.yaml", namespace: "shop" }, injectionSettings());
  assert.match(
    injected.text,
    /httpGet: \{path: \/app-health\/till\/livez, port: 15020\} # the door\n {6}periodSeconds: 7/,
  );
  assert.equal(uninjectYaml(injected.text, "till.yaml"), text);
});
