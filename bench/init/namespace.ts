import { execFileSync, spawnSync } from "node:child_process";

/** A program with its arguments, and what it gets on standard input. */
export interface Command {
  readonly args: readonly string[];
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
}

function ip(...args: string[]): string {
  return execFileSync("ip", args, { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" });
}

/** Runs `act` in a fresh network namespace with an IPv4 and an IPv6 address, and takes the namespace away. */
export function withNamespace<Result>(act: (name: string) => Result): Result {
  const name = `or-bench-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  ip("netns", "add", name);
  try {
    ip("-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", "peer0");
    ip("-n", name, "addr", "add", "10.77.0.2/24", "dev", "eth0");
    ip("-n", name, "addr", "add", "fd77::2/64", "dev", "eth0", "nodad");
    for (const link of ["lo", "eth0", "peer0"]) ip("-n", name, "link", "set", link, "up");
    while (!/state UP/.test(ip("-n", name, "link", "show", "eth0"))); // the kernel tells of it a little later
    return act(name);
  } finally {
    ip("netns", "delete", name);
  }
}

/** Runs the command inside the namespace, and returns the milliseconds that it took and what it printed. */
export function runInside(name: string, { args, input = "", env = process.env }: Command, nsenter = "nsenter") {
  const start = process.hrtime.bigint();
  const line = [`--net=/run/netns/${name}`, ...args];
  const { status, stdout, stderr } = spawnSync(nsenter, line, { input, env, encoding: "utf8" });
  const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`);
  return { milliseconds, stdout };
}
