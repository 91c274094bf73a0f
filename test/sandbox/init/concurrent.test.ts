import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { assertVerified } from "./in-process.ts";
import { backendNames, backends, captureAll, createInitPod, needsRoot } from "./pod.ts";

suite("runs in many namespaces at once do not meet", { skip: needsRoot }, () => {
  test("20 of them, in every backend", async (context) => {
    const runs = Array.from({ length: 20 }, (_, index) => {
      const backend = backendNames[index % backendNames.length] ?? "nftables";
      const mode = index % 2 === 0 ? ["-m", "TPROXY"] : ["--redirect-dns", "--capture-all-dns"];
      return { pod: createInitPod(context), args: [...captureAll, "--dual-stack", ...mode, ...backends[backend]] };
    });
    const ended = await Promise.all(runs.map(({ pod, args }) => pod.init(args)));
    assert.deepEqual(
      ended.filter(({ code, stderr }) => code !== 0 || stderr !== ""),
      [],
    );
    for (const { pod, args } of runs) await assertVerified(pod, args);
  });
});
