import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { promisify } from "node:util";
import type { IpFamily } from "../../mesh/address.ts";
import { parseIptablesSave } from "../../mesh/redirect/live/iptables-save.ts";
import { parseNftRuleset } from "../../mesh/redirect/live/nft-ruleset.ts";
import { nftRuleSet, savedRuleSet, type TraceRuleSet } from "../../mesh/redirect/trace/ruleset.ts";
import { captureFolder } from "../conformance/capture-cases.ts";
import { assertTraced, labNetwork } from "../conformance/lab-trace.ts";
import { expectedLanding, type Probe, readBehaviour, type Variant, variants } from "../conformance/lab-variants.ts";

const outrigger = join(import.meta.dirname, "../../bin/outrigger");

interface Backend {
  readonly name: string;
  readonly args: readonly string[];
  /** The commands that print the live rules of each family. */
  readonly saves: Readonly<Record<IpFamily, string>>;
  readonly read: (text: string, family: IpFamily) => TraceRuleSet;
}

function iptables(variant: "nft" | "legacy", args: readonly string[]): Backend {
  return {
    name: `iptables-${variant}`,
    args,
    saves: { IPv4: `iptables-${variant}-save`, IPv6: `ip6tables-${variant}-save` },
    read: (text) => savedRuleSet(parseIptablesSave(text)),
  };
}

const backends: readonly Backend[] = [
  iptables("nft", []),
  iptables("legacy", ["--force-iptables-binary", "legacy"]),
  {
    name: "native nftables",
    args: ["--native-nftables"],
    saves: { IPv4: "nft list ruleset", IPv6: "nft list ruleset" },
    read: (text, family) => nftRuleSet(parseNftRuleset(text), family),
  },
];

/** What is run in the lab's Pod: init, init again, verify, and the live rules into files. */
function podScript(folder: string, { saves }: Backend): string {
  return [
    "set -eu",
    `${outrigger} init "$@" > ${folder}/first`,
    `${outrigger} init "$@" > ${folder}/second`,
    `${outrigger} init verify "$@" > ${folder}/verify`,
    `${saves.IPv4} > ${folder}/IPv4`,
    `${saves.IPv6} > ${folder}/IPv6`,
    "",
  ].join("\n");
}

async function runLab(variant: Variant, backend: Backend, folder: string): Promise<Probe[]> {
  const script = join(folder, "pod.sh");
  writeFileSync(script, podScript(folder, backend));
  const out = join(folder, "probes.json");
  const command = ["sh", script, ...variant.args, ...backend.args];
  await promisify(execFile)(
    "python3",
    [join(captureFolder, "lab.py"), ...(variant.ipv6 ? ["--v6"] : []), "--json", out, "--", ...command],
    { env: { ...process.env, ...variant.env }, timeout: 120_000, maxBuffer: 10 * 1024 * 1024 },
  );
  return JSON.parse(readFileSync(out, "utf8")) as Probe[];
}

function checkProbes(variant: Variant, backend: Backend, probes: readonly Probe[], folder: string): void {
  const network = labNetwork(variant.ipv6);
  const live = (family: IpFamily) => backend.read(readFileSync(join(folder, family), "utf8"), family);
  const rules = { 4: live("IPv4"), 6: live("IPv6") };
  const expected = new Map((readBehaviour(variant.name) ?? []).map((probe) => [`${probe.fam} ${probe.name}`, probe]));
  assert.equal(probes.length, expected.size);
  const wrong = probes.flatMap((probe) => {
    const reference = expected.get(`${probe.fam} ${probe.name}`);
    const land = reference === undefined ? "(no such probe)" : expectedLanding(variant, reference);
    return probe.land === land ? [] : [`v${probe.fam} ${probe.name}: ${probe.land}, not ${land}`];
  });
  assert.deepEqual(wrong, []);
  for (const probe of probes) assertTraced(probe, probe.land, rules[probe.fam], network);
}

function skipReason(variant: Variant): string | false {
  if (process.getuid?.() !== 0) return "needs root, to make network namespaces";
  if (readBehaviour(variant.name) === undefined) return `no behaviour of ${variant.name} in ${captureFolder}`;
  return false;
}

suite("traffic lands as with the reference, and as the live rules are traced", { concurrency: 2 }, () => {
  for (const variant of variants) {
    for (const backend of backends) {
      test(`${variant.name} on ${backend.name}`, { skip: skipReason(variant) }, async () => {
        const folder = mkdtempSync(join(tmpdir(), "outrigger-lab-"));
        try {
          checkProbes(variant, backend, await runLab(variant, backend, folder), folder);
          assert.match(readFileSync(join(folder, "second"), "utf8"), /nothing changed/);
        } finally {
          rmSync(folder, { recursive: true });
        }
      });
    }
  }
});
