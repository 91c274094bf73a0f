import assert from "node:assert/strict";
import { test } from "node:test";
import { OutriggerError } from "../../mesh/errors.ts";
import type { Pod } from "../../mesh/pod.ts";
import { compile } from "../../mesh/redirect/compile.ts";
import type { CaptureConfig } from "../../mesh/redirect/config.ts";
import { printIptables } from "../../mesh/redirect/iptables.ts";
import { printNftables } from "../../mesh/redirect/nftables.ts";
import { resolveCapture } from "../../mesh/redirect/resolve.ts";
import { captureSettings, nodeSource } from "../../mesh/redirect/settings.ts";
import { type CaptureCase, captureConfigOf, captureFolder, type PodCase, readCases } from "./capture-cases.ts";
import { comparable } from "./capture-differences.ts";

/** The cases of a file; where the file is absent, a skipped test says so. */
function casesOf<Case>(file: string): Case[] {
  const cases = readCases<Case>(file);
  if (cases === undefined)
    test(`capture ${file}`, { skip: `no ${file} in ${captureFolder} (set OUTRIGGER_CONFORMANCE)` });
  return cases ?? [];
}

function checkIptables(config: CaptureConfig, { v4, v6 }: { v4?: string | null; v6?: string | null }): void {
  const ruleSet = compile(config);
  assert.equal(comparable(printIptables(ruleSet, "IPv4"), "iptables", config), v4 ?? "");
  assert.equal(comparable(printIptables(ruleSet, "IPv6"), "iptables", config), v6 ?? "");
}

for (const file of ["cases.json", "random.json"]) {
  for (const { name, config: reference, error, nft_error, nft, ...iptables } of casesOf<CaptureCase>(file)) {
    if (error !== undefined) {
      test(`capture ${file} ${name} is refused`, () => {
        assert.throws(() => captureConfigOf(reference), OutriggerError, `the reference says: ${error}`);
      });
      continue;
    }
    test(`capture ${file} ${name}: iptables`, () => checkIptables(captureConfigOf(reference), iptables));
    const skip = nft_error === undefined ? false : `the reference's nft text is refused by nft: ${nft_error}`;
    test(`capture ${file} ${name}: nftables`, { skip }, () => {
      const config = captureConfigOf(reference);
      assert.equal(comparable(printNftables(compile(config)), "nft", config), nft ?? "");
    });
  }
}

function podOf({ annotations, proxy_env, runAsUser, runAsGroup }: PodCase): Pod {
  const env = Object.entries(proxy_env).map(([name, value]) => ({ name, value }));
  const ids = { ...(runAsUser !== null && { runAsUser }), ...(runAsGroup !== null && { runAsGroup }) };
  const proxy = { name: "istio-proxy", env, securityContext: ids };
  return { metadata: { annotations: { ...annotations } }, spec: { containers: [{ name: "app" }, proxy] } };
}

for (const one of casesOf<PodCase>("cni.json")) {
  test(`capture cni.json ${one.name}`, () => {
    const capture = captureSettings(podOf(one), nodeSource);
    assert.ok(capture.captured);
    const { outboundChain } = captureConfigOf(one.config);
    const settings = { ...capture.settings, outboundChain: { text: outboundChain, field: "--outbound-chain" } };
    const facts = { addresses: [{ family: "IPv4" as const, value: 1n }], nameServers: [] };
    const { config } = resolveCapture(settings, facts);
    assert.deepEqual(config, captureConfigOf(one.config));
    checkIptables(config, { v4: one.golden });
  });
}
