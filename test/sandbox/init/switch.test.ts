import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { apply, assertVerified } from "./in-process.ts";
import { backendNames, backends, changes, createInitPod, needsRoot } from "./pod.ts";
import { createSteppedTools } from "./tools-folder.ts";
import { createTraffic, type Traffic, unseen } from "./traffic.ts";

const base = ["-u", "1337", "-i", "*", "-b", "*", "--dual-stack"];
const dns = ["--redirect-dns", "--capture-all-dns"];
const narrow = ["-c", "eth9", "-k", "virt0", "-o", "9000", "-x", "198.51.100.7/24", "--outbound-chain", "ISTIO_OUTPUT"];

/** Settings, one after the other, each in place of those before. */
const modes: readonly (readonly string[])[] = [
  base,
  [...base, "-m", "TPROXY", "-t", "1400", "-r", "140", "--drop-invalid"],
  [...base, "-m", "TPROXY"],
  [...base, ...dns, "--drop-invalid"],
  [...base, "-p", "15101", "-z", "15106", ...narrow],
];

/** Every way from one backend to another, with another mode each time. */
const moves: readonly (readonly string[])[] = [
  [...base, ...dns, ...backends["iptables-nft"]],
  [...base, "-m", "TPROXY", ...backends["iptables-legacy"]],
  [...base, ...dns, ...backends.nftables],
  [...base, "-m", "TPROXY", ...backends["iptables-nft"]],
  [...base, "-m", "TPROXY", ...backends.nftables],
  [...base, ...backends["iptables-legacy"]],
  [...base, ...backends["iptables-nft"]],
];

/** Knocks until both directions have come to the proxy; on a busy machine that may take longer than a knocker waits. */
async function untilCaptured({ knock }: Traffic): Promise<void> {
  const seen = new Set<string>();
  for (let attempt = 0; attempt < 100 && !(seen.has("15001") && seen.has("15006")); attempt += 1) {
    const answers = await knock(20);
    assert.deepEqual(unseen(answers), []);
    for (const answer of Object.keys(answers)) seen.add(answer);
  }
  assert.ok(seen.has("15001") && seen.has("15006"), [...seen].join(", "));
}

/** Goes through the settings while traffic flows, each step of a change in slow motion. */
async function goThrough(context: TestContext, course: readonly (readonly string[])[]): Promise<void> {
  const [first = [], ...others] = course;
  const tools = createSteppedTools(context);
  const pod = createInitPod(context);
  await apply(pod, first);
  const traffic = await createTraffic(context, pod, [15001, 15101, 15006, 15106]);
  await untilCaptured(traffic);
  for (const settings of others) {
    await traffic.start();
    const { code, stdout, stderr } = await pod.init(settings, { env: { PATH: tools.path, STEP_PAUSE: "0.02" } });
    const answers = await traffic.stop();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /exchanged/);
    assert.deepEqual(unseen(answers), [], settings.join(" "));
    await assertVerified(pod, settings);
  }
  const fresh = createInitPod(context);
  await apply(fresh, others.at(-1) ?? []);
  assert.deepEqual(changes(fresh.rules(), pod.rules()), []);
}

/** The course of the backends besides the first: all that another printer or another kernel may do otherwise. */
const shorter = modes.filter((_, index) => index === 0 || index === 1 || index === 3);

suite("other settings exchange the rules, and nothing passes unseen meanwhile", { skip: needsRoot }, () => {
  for (const backend of backendNames) {
    const course = backend === "iptables-nft" ? modes : shorter;
    test(`modes, marks, DNS and more, on ${backend}`, (context) =>
      goThrough(
        context,
        course.map((settings) => [...settings, ...backends[backend]]),
      ));
  }

  test("from each backend to each other", (context) => goThrough(context, moves));
});
