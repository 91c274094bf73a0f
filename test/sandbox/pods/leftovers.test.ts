import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { execa } from "execa";
import { readState, runFolder, runRoot } from "../../../sandbox/run/folder.ts";
import { identify, isAlive, type ProcessIdentity } from "../../../sandbox/run/process-identity.ts";
import { eventually, idlePod, newName, outrigger, skip, start, webYaml } from "./sandbox.ts";

const yaml = `
${webYaml}
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - { name: web, image: "node:24-alpine", args: [/code/web.mjs], volumeMounts: [{ name: code, mountPath: /code }] }
      volumes: [{ name: code, configMap: { name: web } }]
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
${idlePod("client")}
`;

/** A process and all below it. */
function family(pid: number): ProcessIdentity[] {
  const own = identify(pid);
  if (own === undefined) return [];
  const tasks = readdirSync(`/proc/${pid}/task`);
  const children = tasks.flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" "));
  return [own, ...children.filter((child) => child !== "").flatMap((child) => family(Number(child)))];
}

function namespacesOf(pid: number): string[] {
  return ["net", "mnt", "pid"].flatMap((type) => {
    try {
      return [readlinkSync(`/proc/${pid}/ns/${type}`)];
    } catch {
      return [];
    }
  });
}

function allPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/**
 * Every process that is part of a sandbox: below its supervisor, or in a namespace of one that is. A namespace ends with
 * its last process, and with it its interfaces, rules and mounts; its number is then given to another one.
 */
function footprint(name: string): ProcessIdentity[] {
  const pid = readState(runFolder(name))?.supervisor?.pid;
  assert.ok(pid);
  const host = new Set(namespacesOf(process.pid));
  const own = new Set(
    family(pid)
      .flatMap((one) => namespacesOf(one.pid))
      .filter((link) => !host.has(link)),
  );
  return allPids()
    .filter((one) => namespacesOf(one).some((link) => own.has(link)))
    .flatMap((one) => identify(one) ?? []);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** Nothing of it is there: no process and so no namespace, no mount, no rule on the machine, no file. */
async function assertGone(name: string, members: readonly ProcessIdentity[]): Promise<void> {
  await eventually(async () => !members.some(isAlive));
  await eventually(async () => !allPids().some((pid) => commandLine(pid).includes(runFolder(name))));
  assert.equal(existsSync(runFolder(name)), false, "its folder is gone");
  assert.deepEqual(
    readdirSync(runRoot()).filter((file) => file.includes(name)),
    [],
  );
  assert.doesNotMatch(readFileSync("/proc/self/mountinfo", "utf8"), new RegExp(`${name}\\b`));
  assert.doesNotMatch((await execa("nft", ["list", "tables"])).stdout, /outrigger-services/);
}

function initPid(name: string): number {
  const pid = readState(runFolder(name))?.supervisor?.pid ?? 0;
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")[0]);
}

/** The Node.js process behind a sandbox. */
function supervisorPid(name: string): number {
  const init = initPid(name);
  return Number(readFileSync(`/proc/${init}/task/${init}/children`, "utf8").split(" ")[0]);
}

function podFolders(name: string): number {
  const folder = join(runFolder(name), "logs", "default");
  return existsSync(folder) ? readdirSync(folder).length : 0;
}

/** Starts a sandbox in the foreground and waits until its Pods are being made. */
async function startUntilHalfUp(name: string) {
  const up = start(["up", "--name", name, "-f", "-"], yaml);
  await eventually(async () => podFolders(name) > 0 && family(supervisorPid(name)).length > 1);
  return { up, left: footprint(name) };
}

describe("what a sandbox leaves behind", { skip }, () => {
  const names: string[] = [];
  const name = () => {
    const made = newName();
    names.push(made);
    return made;
  };
  after(async () => {
    for (const one of names) await outrigger(["down", "--name", one]);
  });

  it("is nothing after down, and down again is no error", async () => {
    const own = name();
    const up = await outrigger(["up", "-d", "--name", own, "-f", "-"], yaml);
    assert.equal(up.exitCode, 0, up.stdout);
    const left = footprint(own);
    assert.ok(left.length > 8);
    assert.equal((await outrigger(["down", "--name", own])).stdout, `sandbox ${own} is down`);
    await assertGone(own, left);
    assert.deepEqual(await outrigger(["down", "--name", own]), {
      exitCode: 0,
      stdout: `sandbox ${own} was not up`,
      stderr: "",
    });
  });

  const victims: [string, (name: string, up: number) => number][] = [
    ["the command that brings it up", (_, up) => up],
    ["its supervisor", (own) => supervisorPid(own)],
    ["its first process", (own) => initPid(own)],
    ["the process that holds its namespaces", (own) => readState(runFolder(own))?.supervisor?.pid ?? 0],
  ];
  for (const [victim, pidOf] of victims) {
    it(`is nothing when ${victim} is killed in the middle, and it is taken down then`, async () => {
      const own = name();
      const { up, left } = await startUntilHalfUp(own);
      process.kill(pidOf(own, up.pid ?? 0), "SIGKILL");
      const down = await outrigger(["down", "--name", own]);
      assert.equal(down.exitCode, 0, down.stderr);
      assert.notEqual((await up).exitCode, 0);
      await assertGone(own, left);
    });
  }

  it("is nothing when all of it is killed at once: down removes its files", async () => {
    const own = name();
    const { up, left } = await startUntilHalfUp(own);
    process.kill(up.pid ?? 0, "SIGKILL");
    process.kill(readState(runFolder(own))?.supervisor?.pid ?? 0, "SIGKILL");
    await up;
    assert.equal(existsSync(runFolder(own)), true);
    assert.match((await outrigger(["down", "--name", own])).stdout, /what it left is removed/);
    await assertGone(own, left);
  });

  it("is nothing after Ctrl-C, in the middle or when it is up", async () => {
    const half = name();
    const early = await startUntilHalfUp(half);
    early.up.kill("SIGINT");
    assert.equal((await early.up).exitCode, 130);
    await assertGone(half, early.left);

    const whole = name();
    const up = start(["up", "--name", whole, "-f", "-"], yaml);
    await new Promise<void>((resolve) =>
      up.stdout?.on("data", (chunk) => String(chunk).includes("Ctrl-C") && resolve()),
    );
    const left = footprint(whole);
    up.kill("SIGINT");
    assert.equal((await up).exitCode, 0);
    await assertGone(whole, left);
  });

  it("does not hinder the next one of its name", async () => {
    const own = name();
    const { up } = await startUntilHalfUp(own);
    process.kill(up.pid ?? 0, "SIGKILL");
    process.kill(readState(runFolder(own))?.supervisor?.pid ?? 0, "SIGKILL");
    await up;
    const again = await outrigger(["up", "-d", "--name", own, "-f", "-"], idlePod("client"));
    assert.equal(again.exitCode, 0, again.stdout + again.stderr);
    const now = footprint(own);
    await outrigger(["down", "--name", own]);
    await assertGone(own, now);
  });
});
