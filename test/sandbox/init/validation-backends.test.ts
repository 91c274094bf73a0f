import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { apply } from "./in-process.ts";
import { backends, captureAll, createInitPod, needsRoot } from "./pod.ts";
import { createTraffic } from "./traffic.ts";

const noPrivilege = ["--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"];
const as = (user: number) => ["setpriv", `--reuid=${user}`, `--regid=${user}`, ...noPrivilege];
const validate = ["--run-validation", "--skip-rule-apply", "--probe-timeout", "5s"];

suite("a connection proves capture on every backend", { skip: needsRoot }, () => {
  for (const backend of ["iptables-legacy", "nftables"] as const) {
    test(`without any privilege, on ${backend}`, async (context) => {
      const pod = createInitPod(context);
      const args = [...captureAll, ...backends[backend], ...validate];
      await apply(pod, args);
      const { code, stdout, stderr } = await pod.init(args, { as: as(1337) });
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^IPv4 of uid 1337, gid 1337: captured \(/);
    });
  }

  test("as the application's user, and with a proxy that listens", async (context) => {
    const pod = createInitPod(context);
    const args = [...captureAll, ...validate];
    await apply(pod, args);
    assert.equal((await pod.init(args, { as: as(1000) })).code, 0);
    await createTraffic(context, pod, [15001, 15006, 15002]);
    const { code, stdout, stderr } = await pod.init(args, { as: as(1337) });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /the proxy answered/);
  });

  test("after writing, in one run", async (context) => {
    const { code, stdout } = await createInitPod(context).init([...captureAll, "-m", "TPROXY", "--run-validation"]);
    assert.equal(code, 0);
    assert.match(stdout, /rules written\n.*IPv4 of uid 0, gid 0: captured/s);
  });
});
