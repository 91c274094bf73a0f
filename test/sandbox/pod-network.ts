import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { TestContext } from "node:test";

/** Two network namespaces joined by a cable: a Pod's, and one of somebody who calls it. */
export interface PodNetwork {
  /** The names of the two namespaces, below /run/netns. */
  readonly names: { readonly pod: string; readonly caller: string };
  readonly podIp: string;
  readonly podIpv6: string;
  readonly callerIp: string;
  /** Runs a command in the Pod's namespace, or the caller's, to its end; returns its standard output. */
  readonly run: (where: "pod" | "caller", command: readonly string[], env?: Readonly<Record<string, string>>) => string;
  /** Starts a command as a user in a namespace, with its output collected. It ends with the test. */
  readonly start: (
    where: "pod" | "caller",
    command: readonly string[],
    userId: number,
    groupId?: number,
  ) => { child: ChildProcess; output: () => string };
}

const podIp = "10.99.0.2";
const callerIp = "10.99.0.1";
const podIpv6 = "fd00:99::2";

function ip(args: readonly string[], lines: readonly string[] = []): void {
  execFileSync("ip", args, { input: lines.map((line) => `${line}\n`).join(""), stdio: ["pipe", "ignore", "pipe"] });
}

/** Makes the network; it goes when the test ends, with every process that was started in it. */
export function createPodNetwork(context: TestContext): PodNetwork {
  const id = randomBytes(3).toString("hex");
  const names = { pod: `or-pod-${id}`, caller: `or-call-${id}` };
  const children: ChildProcess[] = [];
  context.after(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    }
    for (const name of Object.values(names)) ip(["netns", "del", name]);
  });
  for (const name of Object.values(names)) ip(["netns", "add", name]);
  const common = ["link set lo up", "link set eth0 up"];
  const cable = `link add eth0 type veth peer name eth0 netns ${names.caller}`;
  const podAddresses = [`addr add ${podIp}/24 dev eth0`, `addr add ${podIpv6}/64 dev eth0 nodad`];
  const callerAddresses = [`addr add ${callerIp}/24 dev eth0`, "addr add fd00:99::1/64 dev eth0 nodad"];
  ip(["-n", names.pod, "-batch", "-"], [cable, ...podAddresses, ...common]);
  ip(["-n", names.caller, "-batch", "-"], [...callerAddresses, ...common]);
  ip(["-n", names.pod, "route", "add", "default", "via", callerIp]);
  return {
    names,
    podIp,
    podIpv6,
    callerIp,
    run: (where, command, env = {}) =>
      execFileSync("ip", ["netns", "exec", names[where], ...command], {
        encoding: "utf8",
        timeout: 20_000,
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      }),
    start: (where, command, userId, groupId = userId) => {
      const ids = ["--reuid", String(userId), "--regid", String(groupId), "--clear-groups"];
      const child = spawn("ip", ["netns", "exec", names[where], "setpriv", ...ids, ...command], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      children.push(child);
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (data: Buffer) => (output += data.toString()));
      return { child, output: () => output };
    },
  };
}

/** Waits until the condition holds, looking every 50 ms; fails with what was seen last. */
export async function eventually<Value>(
  look: () => Value,
  holds: (value: Value) => boolean,
  what: string,
  timeoutMs = 15_000,
): Promise<Value> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = look();
    if (holds(value)) return value;
    if (Date.now() > end)
      throw new Error(`${what} did not come about within ${timeoutMs} ms; last seen: ${String(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
