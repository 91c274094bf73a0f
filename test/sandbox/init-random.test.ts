import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import { suite, type TestContext, test } from "node:test";
import fc from "fast-check";
import { applyCapture, removeCapture, verifyCapture } from "../../host/capture.ts";
import { groupId } from "../../host/facts.ts";
import { type IpFamily, parseAddress } from "../../mesh/address.ts";
import type { Backend, BackendWish } from "../../mesh/redirect/backend.ts";
import { compile } from "../../mesh/redirect/compile.ts";
import { describeDifference } from "../../mesh/redirect/describe.ts";
import { withGroupIds } from "../../mesh/redirect/group-ids.ts";
import { printIptables } from "../../mesh/redirect/iptables.ts";
import { printNftables } from "../../mesh/redirect/nftables.ts";
import { resolveCapture } from "../../mesh/redirect/resolve.ts";
import type { RuleSet } from "../../mesh/redirect/rule.ts";
import { arbitraryCaptureConfig, type CaptureInput, givenTexts } from "../arbitrary-capture.ts";

const skip = process.getuid?.() !== 0 && "needs root, to make network namespaces";

/** A network namespace of the test's own, which goes when the test ends. */
function createNamespace(context: TestContext) {
  const name = `or-rand-${randomBytes(3).toString("hex")}`;
  execFileSync("ip", ["netns", "add", name]);
  context.after(() => execFileSync("ip", ["netns", "del", name]));
  const run = (command: readonly string[], input = "") =>
    execFileSync("ip", ["netns", "exec", name, ...command], {
      input,
      encoding: "utf8",
      timeout: 20_000,
      stdio: ["pipe", "pipe", "pipe"],
    });
  run(["ip", "link", "set", "lo", "up"]);
  return { run, namespace: { path: `/run/netns/${name}` } };
}

type Namespace = ReturnType<typeof createNamespace>;

const wishes: Readonly<Record<Backend, BackendWish>> = {
  "iptables-nft": { nativeNftables: false, binary: "nft" },
  "iptables-legacy": { nativeNftables: false, binary: "legacy" },
  nftables: { nativeNftables: true, binary: "auto" },
};

/** Rules that a run finds there and must leave: with company that looks like the mesh's. */
const others: Readonly<Record<"iptables-nft" | "iptables-legacy", string>> = {
  "iptables-nft": "*nat\n:THEIRS - [0:0]\n-A OUTPUT -p tcp --dport 7 -j THEIRS\n-A THEIRS -j RETURN\nCOMMIT\n",
  "iptables-legacy":
    "*filter\n:THEIRS - [0:0]\n-A INPUT -i eth9 -j RETURN\n-A OUTPUT -p tcp --dport 7 -j THEIRS\nCOMMIT\n",
};

/** What stands in the namespace, without counters, and without tables and base chains that hold nothing. */
function standing({ run }: Namespace): string[] {
  const saves = ["iptables-nft-save", "ip6tables-nft-save", "iptables-legacy-save", "ip6tables-legacy-save"];
  const rules = saves.flatMap((save) =>
    run([save])
      .split("\n")
      .filter((line) => /^(-A|:\S+ -)/.test(line)),
  );
  const tables = run(["nft", "list", "tables"])
    .split("\n")
    .filter((line) => line.includes(" inet ") || line.includes("istio"));
  const routes = [run(["ip", "rule"]), run(["ip", "-6", "rule"]), run(["ip", "-6", "addr", "show", "dev", "lo"])];
  return [...rules, ...tables, ...routes];
}

async function differencesOf(ruleSet: RuleSet, backend: Backend, { namespace }: Namespace): Promise<string[]> {
  const verified = await verifyCapture(ruleSet, { namespace, wish: wishes[backend] });
  return verified.differences.map(describeDifference);
}

const families: readonly (readonly [IpFamily, string])[] = [
  ["IPv4", ""],
  ["IPv6", "6"],
];

function assertAccepted(ruleSet: RuleSet, { run }: Namespace): void {
  for (const variant of ["nft", "legacy"]) {
    for (const [family, infix] of families) {
      const text = printIptables(ruleSet, family);
      if (text !== "") run([`ip${infix}tables-${variant}-restore`, "--noflush", "--test"], text);
    }
  }
  run(["nft", "-c", "-f", "-"], printNftables(ruleSet));
}

/** Changes a table of nftables over and over: each time, whoever is about to write starts over. */
const busyLoop = "while :; do nft add table ip6 busy; nft delete table ip6 busy; done";

function dualStack(texts: CaptureInput["texts"]): RuleSet {
  const addresses = ["10.0.0.5", "fd00::5"].flatMap((text) => parseAddress(text) ?? []);
  const { config } = resolveCapture(givenTexts({ ...texts, proxyUids: "1337", dualStack: "true" }), {
    addresses,
    nameServers: [],
  });
  return compile(config);
}

const target = fc.record({
  ruleSet: arbitraryCaptureConfig.map((config) => withGroupIds(compile(config), groupId)),
  backend: fc.constantFrom<Backend>("iptables-nft", "iptables-legacy", "nftables"),
});

const seed = Number(process.env.FC_SEED ?? randomBytes(4).readInt32BE());

suite("any valid configuration", { skip }, () => {
  test("is accepted, stands as compiled, and nothing changes a second time", async (context) => {
    context.diagnostic(`seed ${seed} (set FC_SEED to run it again)`);
    const namespace = createNamespace(context);
    for (const [backend, text] of Object.entries(others)) namespace.run([`${backend}-restore`, "--noflush"], text);
    const before = standing(namespace);
    const check = async (first: { ruleSet: RuleSet; backend: Backend }, second: typeof first) => {
      assertAccepted(first.ruleSet, namespace);
      for (const { ruleSet, backend } of [first, second]) {
        const options = { namespace: namespace.namespace, wish: wishes[backend] };
        const applied = await applyCapture(ruleSet, options);
        assert.equal(applied.backend, backend);
        assert.deepEqual(await differencesOf(ruleSet, backend, namespace), []);
        assert.equal((await applyCapture(ruleSet, options)).outcome, "unchanged");
      }
      await removeCapture(namespace.namespace);
      assert.deepEqual(standing(namespace), before);
    };
    await fc.assert(fc.asyncProperty(target, target, check), { numRuns: 15, seed, interruptAfterTimeLimit: 60_000 });
  });

  test("is exchanged while somebody else changes other tables all the time", async (context) => {
    const { namespace, run } = createNamespace(context);
    const busy = spawn("ip", ["netns", "exec", basename(namespace.path), "sh", "-c", busyLoop], { stdio: "ignore" });
    const ended = new Promise((resolve) => busy.once("exit", resolve));
    context.after(async () => {
      busy.kill();
      await ended;
    });
    const options = { namespace, wish: wishes["iptables-nft"] };
    const both = ["REDIRECT", "TPROXY"].map((mode) => dualStack({ mode, inboundPorts: "*", outboundCidrs: "*" }));
    for (const ruleSet of [...both, ...both, ...both]) {
      await applyCapture(ruleSet, options);
      assert.deepEqual(await differencesOf(ruleSet, "iptables-nft", { namespace, run }), []);
    }
  });
});
