import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleInit } from "../deploy/images/bundle.ts";
import { type Cost, counter } from "./init/counted.ts";
import { type Command, runInside, withNamespace } from "./init/namespace.ts";

/**
 * `outrigger init` as the init image has it, on three backends, each run in a network namespace of its own: a fresh run, the
 * same again, a cleanup; a dry run; and Node.js with an empty script. All in turn, so that a machine that gets slower is slower
 * for all, against the backend's own tool writing the text of the dry run. Then, in runs of their own, processes and memory.
 */
const rounds = Number(process.env.ROUNDS ?? 20);
const flags = ["-i", "*", "-b", "*", "-d", "15090,15021,15020"];

interface Backend {
  readonly flags: readonly string[];
  /** What writes the rules without us. */
  readonly bare: readonly string[];
}

const backends: Readonly<Record<string, Backend>> = {
  "iptables-nft": { flags: ["--force-iptables-binary", "nft"], bare: ["iptables-nft-restore", "--noflush"] },
  "iptables-legacy": { flags: ["--force-iptables-binary", "legacy"], bare: ["iptables-legacy-restore", "--noflush"] },
  nftables: { flags: ["--native-nftables"], bare: ["nft", "-f", "-"] },
};

/** What one namespace goes through, in order. */
const steps = ["fresh", "rerun", "cleanup"] as const;
type Step = (typeof steps)[number];

function summary(times: readonly number[]) {
  const sorted = [...times].sort((one, other) => one - other);
  const at = (share: number) => Number((sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1));
  return { min: at(0), median: at(0.5), max: at(1) };
}

type Summary = ReturnType<typeof summary>;

function ratio(one: Summary, other: Summary) {
  const of = (key: "min" | "median") => Number((one[key] / other[key]).toFixed(2));
  return { min: of("min"), median: of("median") };
}

/** The commands of one backend. */
interface Commands extends Readonly<Record<Step, Command>> {
  readonly dryRun: Command;
  readonly bare: Command;
}

function commandsOf(program: readonly string[], backend: Backend): Commands {
  const init = [...program, "init", ...backend.flags];
  const dryRun = { args: [...init, ...flags, "--dry-run"] };
  const fresh = { args: [...init, ...flags] };
  const input = withNamespace((name) => runInside(name, dryRun).stdout);
  return {
    fresh,
    rerun: fresh,
    cleanup: { args: [...init, "--cleanup-only"] },
    dryRun,
    bare: { args: backend.bare, input },
  };
}

type Times = Record<keyof Commands, number[]>;

function timeRound(commands: Commands, times: Times): void {
  const time = (what: keyof Commands, name: string) => {
    times[what].push(runInside(name, commands[what]).milliseconds);
  };
  withNamespace((name) => time("bare", name));
  withNamespace((name) => {
    time("dryRun", name);
    for (const step of steps) time(step, name);
  });
}

function costs(commands: Commands, count: (name: string, command: Command) => Cost): Readonly<Record<string, Cost>> {
  return withNamespace((name) =>
    Object.fromEntries((["dryRun", ...steps] as const).map((step) => [step, count(name, commands[step])])),
  );
}

function report({ bare, ...times }: Times, cost: Readonly<Record<string, Cost>>) {
  const write = summary(bare);
  const ofInit = Object.entries(times).map(([step, list]) => {
    const milliseconds = summary(list);
    return [step, { milliseconds, ratioToBareWrite: ratio(milliseconds, write), ...cost[step] }];
  });
  return { bareWrite: { milliseconds: write }, ...Object.fromEntries(ofInit) };
}

const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
try {
  await bundleInit(join(folder, "bundle"));
  const program = [process.execPath, join(folder, "bundle", "outrigger.cjs")];
  const all = Object.entries(backends).map(([backend, value]) => {
    const times: Times = { bare: [], dryRun: [], fresh: [], rerun: [], cleanup: [] };
    return { backend, commands: commandsOf(program, value), times };
  });
  const node: number[] = [];
  const nothing: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const { commands, times } of all) timeRound(commands, times);
    withNamespace((name) => {
      node.push(runInside(name, { args: [process.execPath, "-e", "0"] }).milliseconds);
      nothing.push(runInside(name, { args: ["true"] }).milliseconds);
    });
  }
  const count = counter(folder);
  const results = all.map(({ backend, commands, times }) => [backend, report(times, costs(commands, count))]);
  process.stdout.write(
    `${JSON.stringify({
      bench: "init",
      rounds,
      entersNamespaceOnly: { milliseconds: summary(nothing) },
      nodeAlone: { milliseconds: summary(node) },
      ...Object.fromEntries(results),
    })}\n`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
