import assert from "node:assert/strict";
import { test } from "node:test";
import { isInterfaceName, readInterfaces } from "./interface-names.ts";
import { portInRange, readPort, readPorts, readPortsOrAll, singlePort } from "./port-list.ts";

test("empty items of a list are left out", () => {
  assert.deepEqual(readPorts("80,,443,"), { ok: true, value: [singlePort(80), singlePort(443)] });
  assert.deepEqual(readPorts(""), { ok: true, value: [] });
});

test("a range is written as for iptables or for nft", () => {
  const range = { first: 8000, last: 8099 };
  assert.deepEqual(readPorts("8000:8099, 8000-8099"), { ok: true, value: [range, range] });
  assert.ok(portInRange(8099, range) && !portInRange(8100, range));
});

for (const text of [
  "0",
  "65536",
  "-1",
  "80.5",
  "http",
  "90:80",
  "80:",
  ":80",
  "1-2-3",
  "80 -j ACCEPT",
  "80\n",
  "0x50",
  "٨٠",
]) {
  test(`${JSON.stringify(text)} is no list of ports`, () => {
    const reading = readPorts(`443,${text}`);
    assert.ok(!reading.ok);
  });
}

test("every wrong port is named", () => {
  const reading = readPorts("80,x,70000");
  assert.deepEqual(reading, {
    ok: false,
    message: 'is not a list of ports from 1 to 65535: "x", "70000" are none',
    remedy: 'use a comma list such as "80,8000:8099"',
  });
});

test("a list that is longer than anybody writes is refused, and a message names a few of many", () => {
  const list = (count: number, item: string) => new Array<string>(count).fill(item).join(",");
  assert.equal(readPorts(list(10_000, "80")).ok, true);
  const long = readPorts(list(10_001, "80"));
  assert.equal(!long.ok && long.message, "has 10001 ports from 1 to 65535");
  const bad = readPorts(list(12, "x"));
  assert.match(bad.ok ? "" : bad.message, /^is not a list of ports from 1 to 65535: ("x", ){10}2 more are none$/);
});

test("* stands alone, and one port is one port", () => {
  assert.deepEqual(readPortsOrAll("*"), { ok: true, value: "all" });
  assert.equal(readPortsOrAll("80,*").ok, false);
  assert.deepEqual(readPort("15001"), { ok: true, value: 15001 });
  assert.equal(readPort("80,81").ok, false);
});

for (const name of ["eth0", "net1", "not-istio-nic", "br_0.100", "veth12345678901", "eth+", "_x", "wg@peer"]) {
  test(`${name} is an interface's name`, () => assert.ok(isInterfaceName(name)));
}

for (const name of [
  "",
  ".",
  "..",
  "+",
  "-i",
  "eth0 -j ACCEPT",
  "eth0;",
  "a/b",
  "sixteen-letters-",
  'e"',
  "eth\n",
  "$(id)",
  "é",
]) {
  test(`${JSON.stringify(name)} is no interface's name`, () => assert.ok(!isInterfaceName(name)));
}

test("a list of interfaces names what is wrong", () => {
  assert.deepEqual(readInterfaces("eth1,net0"), { ok: true, value: ["eth1", "net0"] });
  const reading = readInterfaces("eth1,e e");
  assert.ok(!reading.ok && reading.message.includes('"e e" is none'));
});
