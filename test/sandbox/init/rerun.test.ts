import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { apply } from "./in-process.ts";
import { backendNames, backends, captureAll, changes, createInitPod, needsRoot } from "./pod.ts";
import { createToolsFolder } from "./tools-folder.ts";

/** Settings that put something into every table, with routes, in both families. */
const settings = {
  "all that REDIRECT has": ["--redirect-dns", "--capture-all-dns", "--drop-invalid", "--dual-stack", "-c", "eth9"],
  "TPROXY with everything narrowed": [
    ...[
      "-m",
      "TPROXY",
      "--dual-stack",
      "-q",
      "3306",
      "-o",
      "9000",
      "-x",
      "198.51.100.7/24,2001:db8::/32",
      "-k",
      "virt0",
    ],
  ],
} as const;

const reads = /^(nft list ruleset|ip6?tables-(nft|legacy)-save ?|ip (-6 )?-batch -)$/;

suite("the same settings again change nothing", { skip: needsRoot }, () => {
  for (const [name, flags] of Object.entries(settings)) {
    for (const backend of backendNames) {
      test(`${name}, on ${backend}`, async (context) => {
        const pod = createInitPod(context);
        const tools = createToolsFolder(context);
        const args = [...captureAll, ...flags, ...backends[backend]];
        await apply(pod, args);
        const before = pod.state();
        const again = await pod.init(args, { env: { PATH: tools.path } });
        assert.deepEqual([again.code, again.stderr], [0, ""]);
        assert.match(again.stdout, /nothing changed/);
        assert.deepEqual(changes(before, pod.state()), []);
        assert.deepEqual(
          tools.takeCalls().filter((call) => !reads.test(call)),
          [],
        );
      });
    }
  }

  for (const backend of ["iptables-legacy", "nftables"] as const) {
    test(`without being told the backend, a run keeps to ${backend}, where the rules are`, async (context) => {
      const pod = createInitPod(context);
      await apply(pod, [...captureAll, ...backends[backend]]);
      const before = pod.state();
      const again = await pod.init(captureAll);
      assert.match(again.stdout, new RegExp(`^${backend} \\(rules of the mesh stand there\\).*nothing changed`));
      assert.deepEqual(changes(before, pod.state()), []);
    });
  }

  test("--force-apply writes them again, and the same stands", async (context) => {
    const pod = createInitPod(context);
    await apply(pod, captureAll);
    const [state, rules] = [pod.state(), pod.rules()];
    const forced = await pod.init([...captureAll, "--force-apply"]);
    assert.equal(forced.code, 0, forced.stderr);
    assert.notDeepEqual(changes(state, pod.state()), []);
    assert.deepEqual(changes(rules, pod.rules()), []);
  });
});
