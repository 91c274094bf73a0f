import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "../address.ts";
import { OutriggerError } from "../errors.ts";
import { compile } from "./compile.ts";
import { withGroupIds } from "./group-ids.ts";
import { printIptables } from "./iptables.ts";
import { resolveCapture } from "./resolve.ts";

const address = parseAddress("10.0.0.5");
assert.ok(address);
const facts = { addresses: [address], nameServers: [] };

function ruleSet(groups: string) {
  const given = { text: groups, field: "--istio-outbound-owner-groups" };
  return compile(resolveCapture({ ownerGroups: given }, facts).config);
}

const java = (name: string) => (name === "java" ? 101 : undefined);

test("groups by name are written by id, and the others stay", () => {
  const text = printIptables(withGroupIds(ruleSet("java,202"), java), "IPv4");
  assert.match(text, /-m owner ! --gid-owner 101 -m owner ! --gid-owner 202 -j RETURN/);
});

test("every name that is no group here is refused", () => {
  assert.throws(
    () => withGroupIds(ruleSet("java,ftp,www"), java),
    (error: unknown) =>
      error instanceof OutriggerError &&
      error.exitCode === 1 &&
      error.problems.map(({ value }) => value).join() === "ftp,www",
  );
});
