import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inet4Addresses, inet6Addresses } from "./kernel-addresses.ts";

const trie = `Main:
  +-- 10.1.0.0/24 2 0 2
     |-- 10.1.0.0
        /24 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     +-- 10.1.0.0/30 2 0 2
        |-- 10.1.0.2
           /32 host LOCAL
     |-- 10.1.0.255
        /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
           |-- 127.0.0.1
              /32 host LOCAL
           |-- 10.1.0.2
              /32 host LOCAL
`;
const inet6 = `fd000000000000000000000000000002 02 40 00 80     eth0
00000000000000000000000000000001 01 80 10 80       lo
`;

describe("addresses in the kernel's tables", () => {
  it("takes what is local of IPv4, once", () => {
    assert.deepEqual(inet4Addresses(trie), ["10.1.0.2", "127.0.0.1"]);
  });
  it("takes every line of IPv6", () => {
    assert.deepEqual(inet6Addresses(inet6), [
      "fd00:0000:0000:0000:0000:0000:0000:0002",
      "0000:0000:0000:0000:0000:0000:0000:0001",
    ]);
  });
  it("takes nothing from a table that cannot be read", () => {
    assert.deepEqual([...inet4Addresses(""), ...inet6Addresses("")], []);
  });
});
