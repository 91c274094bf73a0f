import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { NetworkNamespace } from "../../../host/netns.ts";
import { createPodNetwork, type PodNetwork } from "../pod-network.ts";

export const needsRoot = process.getuid?.() === 0 ? false : "needs root, to make network namespaces";

/** What a run of `outrigger init` came to. */
export interface Ended {
  /** The exit code, or the signal that ended it. */
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** A command that becomes the one that follows it, such as setpriv. */
  readonly as?: readonly string[];
}

/** A Pod's network namespace, in which `outrigger init` runs, joined to one outside the mesh. */
export interface InitPod {
  readonly network: PodNetwork;
  /** To be given to what works on another namespace than the test's own. */
  readonly namespace: NetworkNamespace;
  readonly init: (args: readonly string[], options?: RunOptions) => Promise<Ended>;
  /** Everything that holds rules, routes or addresses, with nft's handles: a rule that is written again has another one. */
  readonly state: () => string[];
  /**
   * The same without handles and without tables that hold nothing, sorted: equal means that the same rules stand. That
   * their order is right tells `verify`.
   */
  readonly rules: () => string[];
  /** Runs a shell script in the namespace. */
  readonly shell: (script: string) => string;
}

const node = process.execPath;
const outrigger = join(import.meta.dirname, "../../../cli/main.ts");

/** Settings that capture all, as an injected Pod has them. */
export const captureAll = ["-p", "15001", "-z", "15006", "-u", "1337", "-i", "*", "-b", "*", "-d", "15090,15021,15020"];

/** A backend, and the flags that ask for it. */
export const backends = {
  "iptables-nft": ["--force-iptables-binary", "nft"],
  "iptables-legacy": ["--force-iptables-binary", "legacy"],
  nftables: ["--native-nftables"],
} as const;

export type BackendName = keyof typeof backends;
export const backendNames = Object.keys(backends) as BackendName[];

function ended([file = "", ...args]: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    const texts = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].on("data", (data: Buffer) => (texts[stream] += data.toString()));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? signal ?? 1, ...texts }));
  });
}

const stateScript = `
  nft -a list ruleset
  for save in iptables-nft-save ip6tables-nft-save iptables-legacy-save ip6tables-legacy-save; do
    echo "== $save"; $save | grep -v '^#'
  done
  for family in -4 -6; do ip $family rule; ip $family route show table all; done
  ip addr show dev lo`;

/** Lines that stand around rules. What is in no table of ours stays when rules go: the kernel's own chains. */
const frame =
  /^table ip6? |^\s*}|^\*|^COMMIT|policy accept|ACCEPT \[0:0\]|chain (PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)|^$/;

/** Makes the Pod; it goes when the test ends. */
export function createInitPod(context: TestContext): InitPod {
  const network = createPodNetwork(context);
  const { pod } = network.names;
  const shell = (script: string) =>
    execFileSync("ip", ["netns", "exec", pod, "sh", "-c", script], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  const state = () =>
    shell(stateScript)
      .replaceAll(/packets \d+ bytes \d+/g, "packets 0 bytes 0")
      .replaceAll(/\[\d+:\d+\]/g, "[0:0]")
      .split("\n")
      .filter((line) => !line.includes("fe80:"));
  return {
    network,
    namespace: { path: `/run/netns/${pod}` },
    init: (args, { env = {}, as = [] } = {}) => {
      const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
      return ended(["ip", "netns", "exec", pod, ...as, "env", ...variables, node, outrigger, "init", ...args]);
    },
    state,
    rules: () =>
      state()
        .map((line) => line.replace(/ # handle \d+$/, ""))
        .filter((line) => !frame.test(line))
        .sort(),
    shell,
  };
}

/** The lines that only one of two states has; none when they are the same, in order. */
export function changes(before: readonly string[], after: readonly string[]): string[] {
  const [gone, come] = [before.filter((line) => !after.includes(line)), after.filter((line) => !before.includes(line))];
  const found = [...gone.map((line) => `- ${line}`), ...come.map((line) => `+ ${line}`)];
  const isSame = before.length === after.length && before.every((line, index) => line === after[index]);
  return found.length > 0 || isSame ? found : ["the same lines in another order or number"];
}
