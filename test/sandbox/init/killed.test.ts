import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { removeCapture } from "../../../host/capture.ts";
import { apply, assertVerified } from "./in-process.ts";
import { type BackendName, backends, createInitPod, type InitPod, needsRoot } from "./pod.ts";
import { createSteppedTools, type ToolsFolder } from "./tools-folder.ts";
import { createTraffic, type Traffic, unseen } from "./traffic.ts";

const redirect = ["-u", "1337", "-i", "*", "-b", "*"];
const tproxy = [...redirect, "-m", "TPROXY", "--drop-invalid", "--redirect-dns", "--capture-all-dns"];

/** A run that is cut short: what stands before, and what it is to lead to; nothing is a cleanup. */
interface Cut {
  readonly name: string;
  readonly from?: readonly string[];
  readonly to?: readonly string[];
}

const one = (backend: BackendName) => [...redirect, ...backends[backend]];
const other = (backend: BackendName) => [...tproxy, ...backends[backend]];

const all: readonly Cut[] = [
  { name: "the first run", to: other("iptables-nft") },
  { name: "an exchange on iptables-nft", from: one("iptables-nft"), to: other("iptables-nft") },
  { name: "an exchange on nftables", from: other("nftables"), to: one("nftables") },
  { name: "a move to another backend", from: one("iptables-legacy"), to: other("iptables-nft") },
  { name: "a cleanup", from: other("iptables-legacy") },
];

/** Mends what a kill left, by running again. */
async function runAgain(pod: InitPod, to: readonly string[] | undefined): Promise<void> {
  if (to === undefined) {
    await removeCapture(pod.namespace);
    const again = await removeCapture(pod.namespace);
    assert.deepEqual(again, { from: [], routes: { markRoutes: [], passthroughAddress: false } });
  } else {
    await apply(pod, to);
    await assertVerified(pod, to);
  }
}

interface Scene {
  readonly pod: InitPod;
  readonly tools: ToolsFolder;
  readonly traffic: Traffic;
}

/** Kills the run at the step of this number. Returns whether it came so far. */
async function killAt(step: number, { name, from, to }: Cut, { pod, tools, traffic }: Scene): Promise<boolean> {
  tools.takeSteps();
  if (from === undefined) await removeCapture(pod.namespace);
  else await apply(pod, from);
  const { code, stderr } = await pod.init(to ?? ["--cleanup-only"], {
    env: { PATH: tools.path, KILL_AT: String(step) },
  });
  if (code === 0) return false;
  assert.equal(code, "SIGKILL", stderr);
  if (from !== undefined && to !== undefined) {
    assert.deepEqual(unseen(await traffic.knock(6)), [], `${name}, killed at step ${step}`);
  }
  await runAgain(pod, to);
  return true;
}

suite("a run that is killed at any step is mended by running again", { skip: needsRoot }, () => {
  for (const cut of all) {
    test(cut.name, async (context) => {
      const pod = createInitPod(context);
      const tools = createSteppedTools(context);
      const scene = { pod, tools, traffic: await createTraffic(context, pod, [15001, 15006], ["IPv4"]) };
      let steps = 0;
      while (await killAt(steps + 1, cut, scene)) steps += 1;
      assert.ok(steps > 0, "nothing was written");
    });
  }
});
