import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { apply } from "./in-process.ts";
import { type BackendName, backends, captureAll, createInitPod, needsRoot } from "./pod.ts";

/** A change that somebody made to rules of ours, and what `verify` says of it. */
interface Tampering {
  readonly name: string;
  readonly backend: BackendName;
  readonly flags?: readonly string[];
  readonly script: string;
  readonly found: readonly RegExp[];
}

const exclusion = "-p tcp --dport 9999 -j RETURN";
const nftRule = (chain: string, number: number) =>
  `$(nft -a list chain ip istio-proxy-nat ${chain} | grep -o 'handle [0-9]*' | sed -n ${number + 1}p)`;

const tamperings: readonly Tampering[] = [
  {
    name: "a rule less",
    backend: "iptables-nft",
    script: "iptables-nft -t nat -D ISTIO_OUTBOUND 4",
    found: [/IPv4, table nat, chain ISTIO_OUTBOUND.* missing: .*--uid-owner 1337 -j RETURN/],
  },
  {
    name: "a rule less",
    backend: "nftables",
    script: `nft delete rule ip istio-proxy-nat istio-outbound ${nftRule("istio-outbound", 4)}`,
    found: [/ISTIO_OUTBOUND.* missing: .*skuid 1337/],
  },
  {
    name: "a rule more",
    backend: "iptables-legacy",
    script: `iptables-legacy -t nat -I ISTIO_OUTBOUND 1 ${exclusion}`,
    found: [/table nat, chain ISTIO_OUTBOUND.* extra: .*9999/],
  },
  {
    name: "a rule more",
    backend: "nftables",
    script: "nft insert rule ip istio-proxy-nat istio-outbound tcp dport 9999 return",
    found: [/ISTIO_OUTBOUND.* extra: .*9999/],
  },
  {
    name: "two rules exchanged",
    backend: "iptables-nft",
    script: `set -e; rule=$(iptables-nft -t nat -S ISTIO_OUTBOUND 4 | cut -d' ' -f3-)
      iptables-nft -t nat -D ISTIO_OUTBOUND 4; iptables-nft -t nat -I ISTIO_OUTBOUND 2 $rule`,
    found: [/table nat, chain ISTIO_OUTBOUND.* order/],
  },
  {
    name: "two rules exchanged",
    backend: "nftables",
    script: `nft "delete rule ip istio-proxy-nat istio-inbound ${nftRule("istio-inbound", 1)}
      add rule ip istio-proxy-nat istio-inbound meta l4proto tcp tcp dport 15008 counter return"`,
    found: [/ISTIO_INBOUND.* order/],
  },
  {
    name: "the jump gone",
    backend: "iptables-legacy",
    script: "iptables-legacy -t nat -F OUTPUT",
    found: [/chain OUTPUT.* missing: .*-j ISTIO_OUTBOUND/],
  },
  {
    name: "another chain of ours",
    backend: "iptables-nft",
    script: "iptables-nft -t filter -N ISTIO_OLD",
    found: [/table filter, chain ISTIO_OLD.* extra/],
  },
  {
    name: "IPv6 gone",
    backend: "iptables-nft",
    flags: ["--dual-stack"],
    script: "ip6tables-nft -t nat -F; ip6tables-nft -t nat -X; ip -6 addr del ::6/128 dev lo",
    found: [/IPv6, table nat.* missing/, /missing: .*::6/],
  },
  {
    name: "the route of TPROXY gone",
    backend: "iptables-nft",
    flags: ["-m", "TPROXY"],
    script: "ip rule del fwmark 1337",
    found: [/missing: .*fwmark 1337 lookup 133/],
  },
  {
    name: "the same rules in another backend too",
    backend: "iptables-nft",
    script: "iptables-nft-save -t nat | iptables-legacy-restore",
    found: [/iptables-legacy IPv4, table nat.* extra/],
  },
];

suite("verify finds what is missing, extra, or in another order", { skip: needsRoot }, () => {
  for (const { name, backend, flags = [], script, found } of tamperings) {
    test(`${name}, on ${backend}`, async (context) => {
      const pod = createInitPod(context);
      const args = [...captureAll, ...flags, ...backends[backend]];
      await apply(pod, args);
      pod.shell(script);
      const { code, stdout, stderr } = await pod.init(["verify", ...args]);
      assert.equal(code, 126, stderr);
      for (const pattern of found) assert.match(stdout, pattern);
    });
  }

  test("nothing at all is 126 too, and says so in JSON", async (context) => {
    const { code, stdout } = await createInitPod(context).init(["verify", ...captureAll, "--output", "json"]);
    assert.equal(code, 126);
    const { verified } = JSON.parse(stdout) as { verified: { differences: { kind: string }[] } };
    assert.ok(verified.differences.length > 5 && verified.differences.every(({ kind }) => kind === "missing"));
  });
});
