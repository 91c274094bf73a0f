import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { apply } from "./in-process.ts";
import { backends, captureAll, createInitPod, needsRoot } from "./pod.ts";
import { createTraffic } from "./traffic.ts";

const noPrivilege = ["--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"];
const as = (user: number) => ["setpriv", `--reuid=${user}`, `--regid=${user}`, ...noPrivilege];
const users = { "the proxy's user": as(1337), "the application's user": as(1000), root: [] } as const;
const validate = ["--run-validation", "--skip-rule-apply", "--probe-timeout", "2s"];

suite("--run-validation proves capture with a connection, whoever runs it", { skip: needsRoot }, () => {
  test("as each user, with and without rules, with and without a proxy", async (context) => {
    const pod = createInitPod(context);
    const args = [...captureAll, ...validate];
    const before = await pod.init(args, { as: users["the proxy's user"] });
    assert.equal(before.code, 126);
    assert.match(before.stderr, /is not captured/);
    await apply(pod, args);
    for (const [name, user] of Object.entries(users)) {
      const { code, stdout, stderr } = await pod.init(args, { as: user });
      assert.equal(code, 0, `${name}: ${stderr}`);
      assert.match(stdout, /^IPv4 of uid \d+, gid \d+: captured \(/);
    }
    await createTraffic(context, pod, [15001, 15006, 15002]);
    const { code, stdout } = await pod.init(args, { as: users["the proxy's user"] });
    assert.equal(code, 0);
    assert.match(stdout, /the proxy answered/);
  });

  for (const backend of ["iptables-legacy", "nftables"] as const) {
    test(`without any privilege, on ${backend}`, async (context) => {
      const pod = createInitPod(context);
      const args = [...captureAll, ...backends[backend], ...validate];
      await apply(pod, args);
      const { code, stderr } = await pod.init(args, { as: users["the proxy's user"] });
      assert.equal(code, 0, stderr);
    });
  }

  test("both families, one of which is not captured", async (context) => {
    const pod = createInitPod(context);
    await apply(pod, [...captureAll, "--dual-stack"]);
    assert.equal((await pod.init([...captureAll, "--dual-stack", ...validate], { as: as(1337) })).code, 0);
    pod.shell("ip6tables-nft -t nat -F OUTPUT; ip6tables-nft -t nat -F PREROUTING");
    const { code, stderr } = await pod.init([...captureAll, "--dual-stack", ...validate], { as: as(1337) });
    assert.equal(code, 126);
    assert.match(stderr, /IPv6 of uid 1337.* is not captured/);
  });

  test("after writing, in one run", async (context) => {
    const { code, stdout } = await createInitPod(context).init([...captureAll, "-m", "TPROXY", "--run-validation"]);
    assert.equal(code, 0);
    assert.match(stdout, /rules written\n.*IPv4 of uid 0, gid 0: captured/s);
  });

  test("where nothing is captured it says that nothing can be proven, unless the rules can be read", async (context) => {
    const pod = createInitPod(context);
    const nothing = ["-u", "1337", "-i", "", "-b", ""];
    await apply(pod, nothing);
    const { code, stderr } = await pod.init([...nothing, ...validate], { as: as(1000) });
    assert.deepEqual([code, /cannot be proven: no connection of uid 1000.*NET_ADMIN/s.test(stderr)], [126, true]);
    const root = await pod.init([...nothing, ...validate]);
    assert.deepEqual([root.code, /the live rules are what was compiled/.test(root.stdout)], [0, true]);
  });
});
