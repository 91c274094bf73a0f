import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalForm } from "./canonical.ts";
import { parseNftRuleset } from "./nft-ruleset.ts";
import { parseNftRule } from "./nft-words.ts";

/** What `nft list ruleset` prints for a table of ours beside others'. */
const listed = `table inet istio-proxy-nat {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		meta l4proto tcp counter packets 1 bytes 60 jump istio-inbound
	}

	chain istio-inbound {
		tcp dport 15008 counter packets 0 bytes 0 return
	}
}
table ip theirs {
	set blocked {
		type ipv4_addr
		flags interval
		elements = { 192.0.2.0/24,
			     198.51.100.0/24 }
	}

	chain input {
		type filter hook input priority filter; policy drop;
		ip saddr @blocked drop # handle 4
		jump {
			accept
		}
	}
}
`;

test("tables, chains, hooks and rules are read, and sets are left out", () => {
  const tables = parseNftRuleset(listed);
  assert.deepEqual(
    tables.map(({ family, name, chains }) => [family, name, ...chains.map((chain) => `${chain.name}: ${chain.hook}`)]),
    [
      ["inet", "istio-proxy-nat", "prerouting: type nat hook prerouting priority dstnat", "istio-inbound: undefined"],
      ["ip", "theirs", "input: type filter hook input priority filter"],
    ],
  );
  assert.equal(tables[0]?.chains[0]?.rules.length, 1);
  assert.equal(tables[1]?.chains[0]?.rules[0]?.target, undefined);
});

test("an empty ruleset has no tables", () => assert.deepEqual(parseNftRuleset(""), []));

/** A rule as nft 1.0.6 lists it, and what it says. */
for (const [rule, form] of [
  ["counter packets 0 bytes 0 jump istio-outbound", "jump istio-outbound"],
  ['iifname "eth0" counter packets 0 bytes 0 return', "in-interface eth0; return"],
  ['oifname "veth*" counter packets 0 bytes 0 return', "out-interface veth+; return"],
  ["tcp dport 8000-8099 counter packets 0 bytes 0 return", "tcp destination-port 8000-8099; return"],
  ["tcp dport != { 53, 15008 } counter packets 9 bytes 9 return", "not tcp destination-port 15008-15008,53-53; return"],
  ["udp sport 53 counter packets 0 bytes 0 ct zone set 1", "udp source-port 53-53; zone 1"],
  ["ip saddr 127.0.0.6 counter packets 0 bytes 0 return", "source 127.0.0.6/32; return"],
  ["ip6 daddr != ::1 counter packets 0 bytes 0 return", "not destination ::1/128; return"],
  ["ip daddr 10.0.0.0/8 counter packets 0 bytes 0 jump istio-redirect", "destination 10.0.0.0/8; jump istio-redirect"],
  ["meta nfproto ipv6 counter packets 0 bytes 0 return", "family IPv6; return"],
  [
    "meta l4proto tcp ct state established,related counter packets 0 bytes 0 accept",
    "protocol tcp; state ESTABLISHED,RELATED; accept",
  ],
  ["meta skuid != 1337 counter packets 0 bytes 0 return", "not owner uid 1337; return"],
  ["meta skgid 1337 counter packets 0 bytes 0 return", "owner gid 1337; return"],
  ["meta mark != 0x0000053a counter packets 0 bytes 0 return", "not mark 1338; return"],
  ["ct mark 0x00000539 counter packets 0 bytes 0 meta mark set ct mark", "connmark 1337; restore-mark"],
  ["meta mark 0x00000539 counter packets 0 bytes 0 ct mark set meta mark", "mark 1337; save-mark"],
  ["counter packets 0 bytes 0 meta mark set 0x00000539", "set-mark 1337"],
  [
    "meta l4proto tcp tproxy to :15006 meta mark set 0x00000539 counter packets 0 bytes 0 accept",
    "protocol tcp; tproxy 15006 mark 1337",
  ],
  ["meta l4proto tcp counter packets 0 bytes 0 redirect to :15001", "protocol tcp; redirect 15001"],
  ["ip daddr @blocked counter packets 0 bytes 0 drop", undefined],
  ["ip daddr fd00::/8 drop", undefined],
  ["meta cgroup 1 return", undefined],
  ["ct state untracked return", undefined],
  ["dnat to 10.0.0.1", undefined],
  ["", undefined],
] as const) {
  test(`nft: ${JSON.stringify(rule)} ${form === undefined ? "is not one of ours" : `is ${form}`}`, () => {
    const { matches, target, foreign } = parseNftRule(rule);
    const ours = target !== undefined && foreign.length === 0;
    assert.equal(ours ? canonicalForm({ matches, target }, "both-families") : undefined, form);
  });
}

test("a port that is named twice is in a set once, as nft keeps it", () => {
  const twice = { first: 53, last: 53 };
  const match = { kind: "destination-port", protocol: "tcp", negated: true } as const;
  const form = (ports: (typeof twice)[]) =>
    canonicalForm({ matches: [{ ...match, ports }], target: { kind: "return" } }, "one-family");
  assert.equal(form([twice, twice]), form([twice]));
});
