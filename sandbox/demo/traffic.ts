import { setTimeout as sleep } from "node:timers/promises";
import { startLineProcess } from "./line-process.ts";

/** Requests one after the other, as long as something is being done to the mesh. */
export interface Traffic {
  /** Pods by the number of requests that they have answered, since the last `restart`. */
  readonly answers: () => ReadonlyMap<string, number>;
  readonly failures: () => readonly string[];
  readonly restart: () => void;
  /** Waits until `isSo`, or for a while. @returns whether it came to be so */
  readonly until: (isSo: () => boolean) => Promise<boolean>;
  readonly end: () => Promise<void>;
}

const patienceMs = 60_000;
const pollMs = 25;

/**
 * In the Pod: prints the name of the Pod that answered, or `! why`. It waits for longer than the 10 s that Envoy takes to
 * give up connecting to an address that has just gone, after which it tries another Pod.
 */
const script = `
let isOver = false;
process.stdin.resume().on("end", () => { isOver = true; });
while (!isOver) {
  try {
    const response = await fetch(process.argv[1], { signal: AbortSignal.timeout(30000) });
    const { pod } = response.ok ? await response.json() : {};
    console.log(pod ?? "! status " + response.status);
  } catch (error) {
    console.log("! " + (error.cause ?? error).message);
  }
}`;

/** The command that sends requests, until its standard input ends. */
export function trafficCommand(url: string): string[] {
  return ["node", "--input-type=module", "-e", script, url];
}

/** @param argv runs `trafficCommand` in a Pod */
export async function startTraffic(argv: readonly string[]): Promise<Traffic> {
  let answers = new Map<string, number>();
  let failures: string[] = [];
  const running = await startLineProcess(argv, (line) => {
    if (line.startsWith("!")) failures.push(line.slice(2));
    else answers.set(line, (answers.get(line) ?? 0) + 1);
  });
  return {
    answers: () => answers,
    failures: () => failures,
    restart() {
      answers = new Map();
      failures = [];
    },
    async until(isSo) {
      const deadline = Date.now() + patienceMs;
      while (!isSo()) {
        if (Date.now() > deadline) return false;
        await sleep(pollMs);
      }
      return true;
    },
    end: running.end,
  };
}

export function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
