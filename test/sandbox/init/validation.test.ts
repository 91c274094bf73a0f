import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { apply } from "./in-process.ts";
import { captureAll, createInitPod, type InitPod, needsRoot } from "./pod.ts";

const check = ["--run-validation", "--skip-rule-apply", "--probe-timeout", "3s"];

/** As istio-validation runs: the proxy's user, without any capability. */
const proxy = ["setpriv", "--reuid=1337", "--regid=1337", "--clear-groups", "--bounding-set=-all"];

const users: Readonly<Record<string, readonly string[]>> = { "the proxy's user": proxy, root: [] };

async function validate(pod: InitPod, flags: readonly string[], as: readonly string[]) {
  const { code, stdout, stderr } = await pod.init([...flags, ...check], { as });
  return { code, text: `${stdout}${stderr}` };
}

suite("validation proves capture with a connection, or ends with 126", { skip: needsRoot, concurrency: 2 }, () => {
  for (const [name, as] of Object.entries(users)) {
    test(`as ${name}`, async (context) => {
      const pod = createInitPod(context);
      const flags = [...captureAll, "--dual-stack"];
      const before = await validate(pod, flags, as);
      assert.equal(before.code, 126, before.text);
      assert.match(before.text, /IPv4 of uid \d+, gid \d+ is not captured/);
      await apply(pod, flags);
      const after = await validate(pod, flags, as);
      assert.equal(after.code, 0, after.text);
      assert.match(after.text, /IPv4 of uid .*: captured/);
      // The proxy calls its own Pod; root calls somebody outside, to whom this Pod has no route by IPv6.
      const ipv6 = as === proxy ? /IPv6 of uid .*: captured/ : /IPv6: there is no route .* live rules are what was/;
      assert.match(after.text, ipv6);
    });
  }

  test("one family without its rules is enough to fail", async (context) => {
    const pod = createInitPod(context);
    await apply(pod, captureAll);
    const { code, text } = await validate(pod, [...captureAll, "--dual-stack"], proxy);
    assert.equal(code, 126, text);
    assert.match(text, /IPv6 of uid 1337, gid 1337 is not captured/);
  });

  test("under TPROXY, as the proxy's group", async (context) => {
    const pod = createInitPod(context);
    const flags = [...captureAll, "-m", "TPROXY"];
    const group = ["setpriv", "--reuid=0", "--regid=1337", "--clear-groups", "--bounding-set=-all"];
    assert.equal((await validate(pod, flags, group)).code, 126);
    await apply(pod, flags);
    const after = await validate(pod, flags, group);
    assert.equal(after.code, 0, after.text);
  });

  test("settings that capture nothing of this user's are proven by reading, or it says why not", async (context) => {
    const pod = createInitPod(context);
    const flags = ["-u", "1337", "-i", "", "-b", "*"];
    await apply(pod, flags);
    const asRoot = await validate(pod, flags, []);
    assert.equal(asRoot.code, 0, asRoot.text);
    assert.match(asRoot.text, /the live rules are what was compiled/);
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"];
    const asNobody = await validate(pod, flags, nobody);
    assert.equal(asNobody.code, 126, asNobody.text);
    assert.match(asNobody.text, /cannot be proven.*run as one of the proxy's users \(1337\)/);
  });
});
