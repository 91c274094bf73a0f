import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { valueAt } from "../webhook/manual/workload.ts";

const outrigger = join(import.meta.dirname, "../bin/outrigger");

function run(args: readonly string[], input = "", env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(outrigger, args, {
    input,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { status, stdout, stderr };
}

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "outrigger-inject-"));
  context.after(() => rmSync(path, { recursive: true }));
  return path;
}

const till = `# the till
kind: Deployment
metadata: {name: till}
spec:
  template:
    spec:
      containers:
      - name: till # main
        image: till:1
`;

test("inject reads standard input and prints YAML, uninject gives it back", () => {
  const injected = run(["inject", "-f", "-"], till);
  assert.equal(injected.status, 0, injected.stderr);
  assert.match(injected.stdout, /^# the till$/m);
  assert.match(injected.stdout, /name: istio-proxy/);
  assert.equal(run(["uninject", "-f", "-"], injected.stdout).stdout, till);
});

test("several files become one stream, in a file", (context) => {
  const path = folder(context);
  const [first, second, output] = ["a.yaml", "b.yaml", "out.yaml"].map((name) => join(path, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(first, till);
  writeFileSync(second, "kind: Service\nmetadata: {name: till}");
  const { status, stdout } = run(["inject", "-f", first, second, "--output", output]);
  assert.equal(status, 0);
  assert.equal(stdout, "");
  const kinds = parseAllDocuments(readFileSync(output, "utf8")).map((document) => document.get("kind"));
  assert.deepEqual(kinds, ["Deployment", "Service"]);
});

test("--diff prints a unified diff, coloured where colours are wanted", () => {
  const plain = run(["inject", "-f", "-", "--diff"], till, { NO_COLOR: "1" });
  assert.match(plain.stdout, /^\+\s+- name: istio-proxy$/m);
  assert.match(plain.stdout, /^@@ /m);
  const coloured = run(["inject", "-f", "-", "--diff"], till, { FORCE_COLOR: "1", NO_COLOR: "" });
  assert.ok(coloured.stdout.includes("\u001b[32m+"));
});

test("what is not injected is told on standard error, with the reason", () => {
  const { stdout, stderr } = run(
    ["inject", "-f", "-"],
    "kind: Pod\nmetadata: {name: p}\nspec: {hostNetwork: true, containers: []}\n",
  );
  assert.match(stderr, /^Pod\/p: not injected, since the Pod uses the node's own network/);
  assert.doesNotMatch(stdout, /istio-proxy/);
});

test("flags choose the profile, and where the proxy goes", () => {
  const { stdout } = run(
    ["inject", "-f", "-", "--profile", "istio", "--nodes", "v1.32.1,v1.34.0", "--revision", "canary"],
    till,
  );
  const document = parseAllDocuments(stdout)[0]?.toJS();
  const containers = valueAt(document, ["spec", "template", "spec", "containers"]) as { name: string }[];
  assert.deepEqual(
    containers.map(({ name }) => name),
    ["till", "istio-proxy"],
  );
  assert.match(stdout, /istiod-canary\.istio-system\.svc:15012/);
});

const refused: { what: string; args: string[]; input?: string; status: number; stderr: RegExp }[] = [
  { what: "no file", args: ["inject"], status: 255, stderr: /required option '-f, --filename/ },
  {
    what: "a file that is not there",
    args: ["inject", "-f", "/nowhere.yaml"],
    status: 255,
    stderr: /--filename "\/nowhere.yaml" cannot be read/,
  },
  {
    what: "an unknown profile",
    args: ["inject", "-f", "-", "--profile", "x"],
    status: 255,
    stderr: /Allowed choices are envoy, istio/,
  },
  { what: "an unknown flag", args: ["inject", "-f", "-", "--foo"], status: 255, stderr: /unknown option '--foo'/ },
  {
    what: "text that is no YAML",
    args: ["inject", "-f", "-"],
    input: "a: [",
    status: 1,
    stderr: /standard input is not YAML/,
  },
  {
    what: "workloads that cannot be injected, all of them",
    args: ["inject", "-f", "-"],
    input: `${till}        ports: [{}]\n---\nkind: Pod\nmetadata: {name: q}\nspec: {}\n`,
    status: 1,
    stderr:
      /Deployment\/till spec\.containers\[0\]\.ports\[0\]\.containerPort is missing\n\s+Pod\/q spec\.containers is missing/,
  },
];

for (const { what, args, input, status, stderr } of refused) {
  test(`refused: ${what}`, () => {
    const result = run(args, input);
    assert.equal(result.status, status);
    assert.match(result.stderr, stderr);
    assert.doesNotMatch(result.stderr, /^\s+at /m, "no stack trace");
    assert.equal(result.stdout, "");
  });
}
