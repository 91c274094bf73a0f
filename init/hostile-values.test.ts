import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { parseAddress } from "../mesh/address.ts";
import { OutriggerError } from "../mesh/errors.ts";
import { annotations } from "../mesh/names.ts";
import type { Pod } from "../mesh/pod.ts";
import { type CaptureSettingName, captureSettingTable, type GivenSettings } from "../mesh/redirect/capture-setting.ts";
import { compile } from "../mesh/redirect/compile.ts";
import { withGroupIds } from "../mesh/redirect/group-ids.ts";
import { printIptables } from "../mesh/redirect/iptables.ts";
import { iptablesDifferences } from "../mesh/redirect/live/iptables-live.ts";
import { ownParts } from "../mesh/redirect/live/own-rules.ts";
import { printNftables } from "../mesh/redirect/nftables.ts";
import { resolveCapture } from "../mesh/redirect/resolve.ts";
import { captureSettings, initSource, nodeSource } from "../mesh/redirect/settings.ts";
import { tablesOfRestoreText } from "../test/restore-text.ts";
import { givenSettings, operationOf } from "./command-line.ts";
import { operationFlags } from "./operation.ts";

const hostile = [
  "\n",
  "80\n-A OUTPUT -j ACCEPT",
  "80\r",
  "eth0 -j ACCEPT",
  '"',
  '80" -j ACCEPT',
  "'; reboot; '",
  "$(id)",
  "`id`",
  "--",
  "--help",
  "-1",
  "-j ACCEPT",
  "\0",
  "80\0",
  "x".repeat(100 * 1024),
  `${"80,".repeat(10_001)}80`,
  ",",
  "٨٠",
  "８０",
  "\u202e80",
  "80\u00a0",
  "0x50",
  " 80",
  "80 ",
  "080",
  "1e3",
  "8.0",
  "65536",
  "99999999999999999999",
  "80:",
  "90-80",
  "::ffff:1.2.3.4/33",
  "1.2.3.4/33",
  "1.2.3.4/-1",
  "1.2.3/8",
  "01.2.3.4/8",
  "fe80::1%eth0/64",
  "*,80",
  "* ",
  "**",
  "eth*",
  "{ 80 }",
  "@set",
  "%s%n",
  "../../etc/passwd",
  "__proto__",
  "constructor",
  "null",
  "true\n",
] as const;

const facts = {
  addresses: ["10.0.0.5", "fd00::5"].flatMap((text) => parseAddress(text) ?? []),
  nameServers: [],
};

const names = Object.keys(captureSettingTable) as CaptureSettingName[];

/** What else must be there for a setting to have rules. */
const company: GivenSettings = {
  proxyUids: { text: "1337", field: "--proxy-uid" },
  outboundCidrs: { text: "*", field: "--istio-service-cidr" },
  inboundPorts: { text: "*", field: "--istio-inbound-ports" },
  mode: { text: "TPROXY", field: "--istio-inbound-interception-mode" },
  dualStack: { text: "true", field: "--dual-stack" },
};

/** Words that rules are made of: whatever came from outside is one of them, or part of none. */
const line = /^(\* \w+|COMMIT|-[NAI] [\w .,:+/!@-]+)$/;

/** The value came through: then it is what it says, in rules that say nothing else. */
function assertHarmless(given: GivenSettings): void {
  const ruleSet = withGroupIds(compile(resolveCapture(given, facts).config), (name) => name.length);
  for (const family of ruleSet.families) {
    const text = printIptables(ruleSet, family);
    for (const each of text.split("\n").filter((one) => one !== "")) assert.match(each, line);
    assert.deepEqual(iptablesDifferences(ruleSet, family, ownParts(tablesOfRestoreText(text))), []);
  }
  const nft = printNftables(ruleSet);
  for (const each of nft.split("\n").filter((one) => one !== "")) assert.match(each, /^(add|flush|insert) [ -~]+$/);
}

/** The value is refused by name, in a few words without control characters; or it is harmless. */
function assertHandled(given: GivenSettings, field: string, value: string): void {
  try {
    assertHarmless(given);
  } catch (error) {
    assert.ok(error instanceof OutriggerError, String((error as Error).stack));
    assert.equal(error.exitCode, 1);
    assert.deepEqual(
      error.problems.map((problem) => [problem.field, problem.value]),
      [[field, value]],
    );
    assert.ok((error.problems[0]?.remedy ?? "") !== "", "there is a remedy");
    assert.ok(error.message.length < 1200, `${error.message.length} characters`);
    assert.doesNotMatch(error.message.replaceAll("\n  ", ""), /\p{Cc}|\p{Cf}/u);
  }
}

for (const name of names) {
  test(`no hostile value of ${name} gets further than its name`, () => {
    const { flag, variables } = captureSettingTable[name];
    for (const value of hostile) {
      assertHandled({ ...company, ...givenSettings({ [flag]: value }, {}) }, `--${flag}`, value);
      const [variable] = variables;
      if (variable === undefined) continue;
      assertHandled({ ...company, ...givenSettings({}, { [variable]: value }) }, variable, value);
    }
  });
}

/** The canonical form of values that look odd and are none the less what they say. */
for (const [name, text, canonical] of [
  ["outboundPort", " 80", 80],
  ["outboundPort", "080", 80],
  ["tproxyMark", "0x50", 80],
  ["inboundPorts", " 80", { capture: "ports", ports: [{ first: 80, last: 80 }] }],
  ["proxyUids", "80 ", [80]],
] as const) {
  test(`${name} ${JSON.stringify(text)} is taken for what it says`, () => {
    const { config } = resolveCapture({ ...company, [name]: { text, field: name } }, facts);
    const value = { outboundPort: config.outboundPort, tproxyMark: config.tproxy.mark, inboundPorts: config.inbound };
    assert.deepEqual({ ...value, proxyUids: config.proxyUids }[name], canonical);
  });
}

for (const operation of Object.values(operationFlags)) {
  test(`no hostile value of --${operation.flag} ends in a stack trace`, () => {
    for (const value of hostile) {
      try {
        operationOf({ [operation.flag]: value }, {});
      } catch (error) {
        assert.ok(error instanceof OutriggerError);
        assert.equal(error.exitCode, 255);
        assert.deepEqual(
          error.problems.map((problem) => [problem.field, problem.value]),
          [[`--${operation.flag}`, value]],
        );
      }
    }
  });
}

const captureAnnotations = [
  annotations.interceptionMode,
  annotations.includeOutboundIPRanges,
  annotations.excludeOutboundIPRanges,
  annotations.includeInboundPorts,
  annotations.excludeInboundPorts,
  annotations.includeOutboundPorts,
  annotations.excludeOutboundPorts,
  annotations.rerouteVirtualInterfaces,
  annotations.kubevirtInterfaces,
  annotations.excludeInterfaces,
] as const;

for (const annotation of captureAnnotations) {
  test(`no hostile value of the annotation ${annotation} gets further than its name`, () => {
    for (const value of hostile) {
      const pod: Pod = { metadata: { annotations: { [annotation]: value } }, spec: { containers: [] } };
      for (const source of [initSource, nodeSource]) {
        const capture = captureSettings(pod, source);
        assert.ok(capture.captured);
        try {
          assertHarmless(capture.settings);
        } catch (error) {
          assert.ok(error instanceof OutriggerError, String((error as Error).stack));
          assert.deepEqual(
            error.problems.map(({ field }) => field),
            [`metadata.annotations["${annotation}"]`],
          );
          assert.ok(error.message.length < 1200);
        }
      }
    }
  });
}

const outrigger = join(import.meta.dirname, "../bin/outrigger");

/** Runs the command with a value in every flag or variable. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(outrigger, [...args], { env: { PATH: process.env.PATH, ...env } }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

const numbers = names.filter((name) => name !== "ownerGroups" && name !== "excludeOwnerGroups");

test("the command names every flag that is wrong at once, and exits with 255", async () => {
  const flags = [
    ...names.map((name) => captureSettingTable[name].flag),
    ...["probe-timeout", "iptables-probe-port", "output", "force-iptables-binary", "explain"],
  ];
  const { code, stdout, stderr } = await run(["init", "--dry-run", ...flags.map((flag) => `--${flag}=80 -j "ACCEPT`)]);
  assert.equal(code, 255);
  assert.equal(stdout, "");
  for (const flag of flags) assert.ok(stderr.includes(`--${flag} "80 -j \\"ACCEPT"`), flag);
  assert.doesNotMatch(stderr, /^ +at /m);
});

test("the command names every variable that is wrong at once, and exits with 1", async () => {
  const variables = numbers.flatMap((name) => captureSettingTable[name].variables.slice(0, 1));
  const env = Object.fromEntries(variables.map((variable) => [variable, "$(id)\n"]));
  const { code, stdout, stderr } = await run(["init", "--dry-run"], env);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  for (const variable of variables) assert.ok(stderr.includes(`${variable} "$(id)\\n"`), variable);
  assert.doesNotMatch(stderr, /^ +at /m);
});
