import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { enterNamespaces } from "../../cni/capture/enter-namespaces.ts";
import { attempt, type Command } from "../../host/command.ts";
import { within } from "../../host/netns.ts";
import { enterProgram } from "./cni/programs.ts";

// What runs commands in Pods' namespaces, with namespaces of the kernel.

const skip = process.getuid?.() === 0 ? false : "needs root";

function namespace(t: TestContext): string {
  const name = `or-enter-${randomBytes(3).toString("hex")}`;
  execFileSync("ip", ["netns", "add", name]);
  t.after(() => execFileSync("ip", ["netns", "del", name]));
  return `/run/netns/${name}`;
}

function entrance(t: TestContext) {
  const made = enterNamespaces(enterProgram());
  t.after(() => made.close());
  return (path: string, command: Command) => attempt(within(made.namespace(path), command));
}

const sh = (script: string): Command => ({ file: "sh", args: ["-c", script] });

test("commands run in the namespace that is named, many at once, and not where the helper itself is", {
  skip,
}, async (t) => {
  const run = entrance(t);
  const paths = Array.from({ length: 8 }, () => namespace(t));
  const inside = async (path: string) => {
    const outcome = await run(path, { file: "readlink", args: ["/proc/self/ns/net"] });
    assert.ok(outcome.ok);
    return outcome.stdout.trim();
  };
  const wanted = paths.map((path) => {
    const text = execFileSync("nsenter", [`--net=${path}`, "readlink", "/proc/self/ns/net"], { encoding: "utf8" });
    return text.trim();
  });
  const rounds = Array.from({ length: 4 }, () => paths).flat();
  const seen = await Promise.all(rounds.map(inside));
  assert.deepEqual(seen, Array.from({ length: 4 }, () => wanted).flat());
});

test("input and both outputs go through whole", { skip }, async (t) => {
  const run = entrance(t);
  const input = "x\u0000ä\n".repeat(200_000);
  const outcome = await run(namespace(t), { file: "cat", args: [], input });
  assert.ok(outcome.ok && outcome.stdout === input);
});

interface Failing {
  readonly what: string;
  readonly command: Command;
  readonly ended: RegExp;
}

const failing: readonly Failing[] = [
  { what: "an exit code", command: sh("echo no >&2; exit 3"), ended: /^ended with exit code 3$/ },
  { what: "a signal", command: sh("kill -TERM $$"), ended: /^ended with terminated$/ },
  { what: "no such program", command: { file: "/none", args: [] }, ended: /^is not installed$/ },
  { what: "too much output", command: sh("yes"), ended: /^failed: it printed too much$/ },
  { what: "the time", command: { ...sh("sleep 60"), timeoutMs: 100 }, ended: /^did not end within 100 ms$/ },
];
for (const { what, command, ended } of failing) {
  test(`a failure is told: ${what}`, { skip }, async (t) => {
    const path = namespace(t);
    const outcome = await entrance(t)(path, command);
    assert.ok(!outcome.ok);
    assert.match(outcome.failure.ended, ended);
    assert.ok(outcome.failure.command.startsWith(`nsenter --net=${path} -- `), outcome.failure.command);
    if (what === "an exit code") assert.equal(outcome.failure.stderr, "no\n");
  });
}

test("a namespace that is gone is an error of its own", { skip }, async (t) => {
  const outcome = await entrance(t)("/run/netns/or-none", sh("true"));
  assert.ok(!outcome.ok);
  assert.match(outcome.failure.ended, /or-none: no such file or directory/);
});

function children(pid: number): number[] {
  const text = readFileSync(join("/proc", String(pid), "task", String(pid), "children"), "utf8");
  return text.trim().split(" ").map(Number);
}

test("a helper that is killed takes its commands along, and another one serves the next", { skip }, async (t) => {
  const run = entrance(t);
  const path = namespace(t);
  const ready = await run(path, sh("echo $PPID"));
  assert.ok(ready.ok);
  const helper = Number(ready.stdout);
  assert.ok(children(process.pid).includes(helper));
  const broken = run(path, sh("kill -KILL $PPID; sleep 60"));
  const outcome = await broken;
  assert.ok(!outcome.ok);
  assert.match(outcome.failure.ended, /outrigger-enter ended with SIGKILL/);
  assert.ok((await run(path, sh("true"))).ok);
});
