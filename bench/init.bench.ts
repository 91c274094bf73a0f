import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { bundle } from "../deploy/images/bundle.ts";

/**
 * One run of init in a network namespace that has no rules yet, against the `iptables-restore` of the same input: wall
 * time in turn, so that a machine that gets slower is slower for both; then, in a run of its own, processes and memory.
 */
const rounds = Number(process.env.ROUNDS ?? 20);
const root = join(import.meta.dirname, "..");
const flags = ["-i", "*", "-b", "*", "-d", "15090,15021,15020"];
const counted = ["iptables-restore", "iptables-save", "iptables-nft-save", "iptables-legacy-save", "nft", "ip"].concat([
  "iptables",
  "iptables-nft-restore",
  "iptables-legacy-restore",
  "iptables-nft",
  "iptables-legacy",
]);

interface Command {
  readonly args: readonly string[];
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
}

const ip = (...args: string[]) => execFileSync("ip", args, { stdio: ["ignore", "ignore", "inherit"] });

/** Runs `act` in a fresh network namespace with one IPv4 address, and takes the namespace away. */
function withNamespace<Result>(act: (name: string) => Result): Result {
  const name = `or-bench-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  ip("netns", "add", name);
  try {
    ip("-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", "peer0");
    ip("-n", name, "addr", "add", "10.77.0.2/24", "dev", "eth0");
    for (const link of ["lo", "eth0", "peer0"]) ip("-n", name, "link", "set", link, "up");
    return act(name);
  } finally {
    ip("netns", "delete", name);
  }
}

/** Milliseconds that the command takes inside the namespace. */
function time(name: string, { args, input = "", env = process.env }: Command): number {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync("nsenter", [`--net=/run/netns/${name}`, ...args], { input, env });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

/** Folder first on PATH in which each counted program writes its name down before it is the real one. */
function countingPath(folder: string, log: string): string {
  const shims = join(folder, "shims");
  mkdirSync(shims);
  for (const name of counted) {
    const { stdout } = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" });
    if (stdout.trim() === "") continue;
    writeFileSync(join(shims, name), `#!/bin/sh\necho ${name} >> ${log}\nexec ${stdout.trim()} "$@"\n`);
    chmodSync(join(shims, name), 0o755);
  }
  return [shims, process.env.PATH].join(delimiter);
}

function summary(times: readonly number[]) {
  const sorted = [...times].sort((one, other) => one - other);
  const at = (share: number) => Number((sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1));
  return { min: at(0), median: at(0.5), max: at(1) };
}

const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
try {
  await bundle(join(folder, "bundle"));
  const bundled = [process.execPath, join(folder, "bundle", "outrigger.mjs"), "init", ...flags];
  const input = withNamespace((name) =>
    execFileSync("nsenter", [`--net=/run/netns/${name}`, ...bundled, "--dry-run"], { encoding: "utf8" }),
  );
  const commands: Readonly<Record<string, Command>> = {
    bundled: { args: bundled },
    checkout: { args: [join(root, "bin", "outrigger"), "init", ...flags] },
    dryRun: { args: [...bundled, "--dry-run"] },
    bareRestore: { args: ["iptables-restore", "--noflush"], input },
  };
  const times = Object.fromEntries(Object.keys(commands).map((name) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, command] of Object.entries(commands)) {
      const taken = withNamespace((namespace) => time(namespace, command));
      if (round > 0) times[name]?.push(taken);
    }
  }
  const log = join(folder, "processes");
  const memory = join(folder, "memory");
  const atExit = `import{writeFileSync}from"node:fs";process.on("exit",()=>writeFileSync(${JSON.stringify(memory)},String(process.resourceUsage().maxRSS)))`;
  const env = {
    ...process.env,
    PATH: countingPath(folder, log),
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(atExit)}`,
  };
  writeFileSync(log, "");
  withNamespace((name) => time(name, { args: bundled, env }));
  const milliseconds = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, summary(list)]));
  const median = (name: string) => milliseconds[name]?.median ?? Number.NaN;
  process.stdout.write(
    `${JSON.stringify({
      bench: "init",
      rounds,
      milliseconds,
      ratioToBareRestore: Number((median("bundled") / median("bareRestore")).toFixed(2)),
      childProcesses: readFileSync(log, "utf8").split("\n").filter(Boolean),
      residentMiB: Number((Number(readFileSync(memory, "utf8")) / 1024).toFixed(1)),
    })}\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
