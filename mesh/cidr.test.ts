import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Address, formatAddress, parseAddress } from "./address.ts";
import {
  canonicalCidr,
  cidr,
  contains,
  formatCidr,
  isLoopback,
  parseCidr,
  readCidrs,
  readCidrsOrAll,
  readLoopbackCidr,
} from "./cidr.ts";

const addresses: fc.Arbitrary<Address> = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => ({ family: "IPv4" as const, value })),
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => ({ family: "IPv6" as const, value })),
  fc.ipV6().map((text) => parseAddress(text) as Address),
);

test("an address that was written is read as itself", () => {
  fc.assert(
    fc.property(addresses, (address) => {
      assert.deepEqual(parseAddress(formatAddress(address)), address);
    }),
  );
});

for (const [text, canonical] of [
  ["10.1.2.3", "10.1.2.3"],
  ["2001:0DB8:0:0:0:0:0:1", "2001:db8::1"],
  ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"],
  ["::", "::"],
  ["::1", "::1"],
  ["::127.0.0.53", "::127.0.0.53"],
  ["::ffff:10.0.0.1", "::ffff:10.0.0.1"],
  ["fe80::1:0:0:1", "fe80::1:0:0:1"],
] as const) {
  test(`${text} is written ${canonical}`, () => {
    const address = parseAddress(text);
    assert.ok(address);
    assert.equal(formatAddress(address), canonical);
  });
}

for (const text of [
  "",
  "1.2.3",
  "1.2.3.4.5",
  "01.2.3.4",
  "256.0.0.1",
  "1.2.3.4 ",
  ":::",
  "1::2::3",
  "1:2:3:4:5:6:7",
  "fe80::1%eth0",
  "g::",
  "1:2:3:4:5:6:7:8::",
  "::1.2.3.4:5",
]) {
  test(`${JSON.stringify(text)} is no address`, () => assert.equal(parseAddress(text), undefined));
}

for (const text of [
  "10.0.0.0",
  "10.0.0.0/33",
  "10.0.0.0/08",
  "10.0.0.0/-1",
  "10.0.0.0/8/8",
  "::/129",
  "/8",
  "10.0.0.0/",
  "10.0.0.0/8\n-j ACCEPT",
]) {
  test(`${JSON.stringify(text)} is no CIDR`, () => assert.equal(parseCidr(text), undefined));
}

test("host bits are kept as written and cleared in the canonical form", () => {
  assert.equal(formatCidr(cidr("192.168.1.7/16")), "192.168.1.7/16");
  assert.equal(formatCidr(canonicalCidr(cidr("192.168.1.7/16"))), "192.168.0.0/16");
  assert.equal(formatCidr(canonicalCidr(cidr("2001:db8::1/32"))), "2001:db8::/32");
  assert.equal(formatCidr(canonicalCidr(cidr("10.1.2.3/0"))), "0.0.0.0/0");
});

test("a range contains its own addresses, of its own family only", () => {
  const address = (text: string) => parseAddress(text) as Address;
  assert.ok(contains(cidr("10.0.0.0/8"), address("10.255.0.1")));
  assert.ok(!contains(cidr("10.0.0.0/8"), address("11.0.0.1")));
  assert.ok(contains(cidr("0.0.0.0/0"), address("11.0.0.1")));
  assert.ok(!contains(cidr("::/0"), address("11.0.0.1")));
  assert.ok(isLoopback(cidr("127.1.2.3/32")) && isLoopback(cidr("::1/128")) && !isLoopback(cidr("::2/128")));
});

test("a list names every item that is wrong, and what was probably meant", () => {
  assert.deepEqual(readCidrs("10.1.2.3, fd00::1"), {
    ok: false,
    message: 'is not a list of CIDRs: "10.1.2.3", "fd00::1" are none',
    remedy: 'an address alone needs a length: "10.1.2.3/32,fd00::1/128"',
  });
  assert.deepEqual(readCidrs("nowhere"), {
    ok: false,
    message: 'is not a list of CIDRs: "nowhere" is none',
    remedy: 'use a comma list such as "10.0.0.0/8,2001:db8::/32"',
  });
});

test("* stands alone", () => {
  assert.deepEqual(readCidrsOrAll("*"), { ok: true, value: "all" });
  assert.equal(readCidrsOrAll("*,10.0.0.0/8").ok, false);
  assert.equal(readCidrs("*").ok, false);
});

test("a loopback range is within 127.0.0.0/8", () => {
  assert.ok(readLoopbackCidr("127.0.0.1/8").ok);
  for (const text of ["127.0.0.1/7", "10.0.0.0/8", "::1/128", "127.0.0.1", ""])
    assert.equal(readLoopbackCidr(text).ok, false);
});
