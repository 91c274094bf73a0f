import assert from "node:assert/strict";
import { test } from "node:test";
import { describeProblem } from "../errors.ts";
import { explainFailure } from "./failure.ts";

const restoreInput = [
  "* mangle",
  "-A PREROUTING -m conntrack --ctstate INVALID -j ISTIO_DROP",
  "COMMIT",
  "* nat",
  "-A OUTPUT -j ISTIO_OUTBOUND",
  "-A ISTIO_OUTBOUND -m owner --uid-owner 1337 -j RETURN",
  "-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001",
  "-A ISTIO_TPROXY -p tcp -j TPROXY --tproxy-mark 1337/0xffffffff --on-port 15006",
  "COMMIT",
  "",
].join("\n");

const nftInput = [
  "add table inet istio-proxy-nat",
  "add chain inet istio-proxy-nat output { type nat hook output priority -100 ; }",
  "add rule inet istio-proxy-nat istio-outbound skuid 1337 counter return",
  "",
].join("\n");

/** What a program says (iptables 1.8.9, nft 1.0.6 and iproute2 6.1 where it could be brought about), and what to do. */
const table: readonly { name: string; stderr: string; input?: string; says: RegExp; remedy: RegExp }[] = [
  {
    name: "no NET_ADMIN, iptables-nft",
    stderr:
      "iptables-nft-restore v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)",
    says: /not allowed to change rules/,
    remedy: /capability NET_ADMIN/,
  },
  {
    name: "no NET_ADMIN, nft",
    stderr:
      "Operation not permitted (you must be root)\nnetlink: Error: cache initialization failed: Operation not permitted",
    says: /not allowed to change rules/,
    remedy: /capability NET_ADMIN/,
  },
  {
    name: "no NET_ADMIN or no module, iptables-legacy",
    stderr:
      "iptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table 'nat'\nError occurred at line: 1",
    says: /no such table in the kernel, or may not use it/,
    remedy: /NET_ADMIN and NET_RAW; .*iptable_nat/,
  },
  {
    name: "no nat in the kernel, iptables-legacy",
    stderr:
      "iptables v1.8.9 (legacy): can't initialize iptables table `nat': Table does not exist (do you need to insmod?)",
    says: /no such table/,
    remedy: /iptable_nat.*--force-iptables-binary nft/,
  },
  {
    name: "no nat in the kernel, iptables-nft",
    stderr:
      "iptables-nft-restore v1.8.9 (nf_tables): \nline 5: CHAIN_ADD failed (No such file or directory): chain PREROUTING",
    says: /cannot make its chains/,
    remedy: /nft_chain_nat/,
  },
  {
    name: "no nat in the kernel, nft",
    stderr: "/dev/stdin:2:1-77: Error: Could not process rule: No such file or directory",
    input: nftInput,
    says: /the line is: add chain inet istio-proxy-nat output/,
    remedy: /nft_chain_nat/,
  },
  {
    name: "no nf_tables in the kernel",
    stderr: "iptables-nft-restore: Failed to initialize nft: Protocol not supported",
    says: /no nf_tables in the kernel/,
    remedy: /module nf_tables .*--force-iptables-binary legacy/,
  },
  {
    name: "no owner match, iptables-nft",
    stderr:
      "Warning: Extension owner revision 0 not supported, missing kernel module?\niptables-nft-restore v1.8.9 (nf_tables): \nline 6: RULE_APPEND failed (No such file or directory): rule in chain ISTIO_OUTBOUND",
    says: /no extension owner in the kernel/,
    remedy: /module xt_owner/,
  },
  {
    name: "no owner match, nft",
    stderr: "/dev/stdin:3:1-70: Error: Could not process rule: No such file or directory",
    input: nftInput,
    says: /the line is: .*skuid 1337/,
    remedy: /xt_owner/,
  },
  {
    name: "no TPROXY target, iptables-nft",
    stderr: "line 8: RULE_APPEND failed (No such file or directory): rule in chain ISTIO_TPROXY",
    says: /the line is: .*TPROXY/,
    remedy: /xt_TPROXY/,
  },
  {
    name: "no conntrack match: iptables-legacy blames COMMIT",
    stderr: "iptables-legacy-restore: line 3 failed: No chain/target/match by that name.",
    says: /line 3 failed/,
    remedy: /the kernel module xt_conntrack/,
  },
  {
    name: "one of several extensions: iptables-legacy blames COMMIT",
    stderr: "iptables-legacy-restore: line 9 failed: No chain/target/match by that name.",
    says: /line 9 failed/,
    remedy: /whichever is missing of the kernel modules xt_owner, xt_REDIRECT .*, xt_TPROXY/,
  },
  {
    name: "an incomplete installation of iptables",
    stderr:
      "iptables-restore v1.8.9 (legacy): Couldn't load match `owner':No such file or directory\n\nError occurred at line: 6",
    says: /has no extension owner/,
    remedy: /libxt_owner\.so/,
  },
  {
    name: "the lock is held",
    stderr: "Another app is currently holding the xtables lock. Stopped waiting after 20s.",
    says: /did not get the lock/,
    remedy: /run this again/,
  },
  {
    name: "the lock's folder is read-only",
    stderr: "Fatal: can't open lock file /run/xtables.lock: Read-only file system",
    says: /folder is read-only/,
    remedy: /writable \/run.*XTABLES_LOCKFILE/,
  },
  {
    name: "the lock may not be opened",
    stderr: "Fatal: can't open lock file /run/xtables.lock: Permission denied",
    says: /cannot open the lock/,
    remedy: /root.*XTABLES_LOCKFILE/,
  },
  {
    name: "IPv6 is off by sysctl",
    stderr: "Error: ipv6: IPv6 is disabled on this device.\nCommand failed -:1",
    says: /IPv6 switched off/,
    remedy: /net\.ipv6\.conf\.lo\.disable_ipv6/,
  },
  {
    name: "IPv6 is not in the kernel",
    stderr: "ip6tables-restore: Address family not supported by protocol",
    says: /IPv6 switched off in the kernel/,
    remedy: /ip6_tables.*without --dual-stack/,
  },
];

for (const { name, stderr, input = restoreInput, says, remedy } of table) {
  test(`explained: ${name}`, () => {
    const problem = explainFailure({ command: "tool -x", ended: "ended with exit code 4", stderr, input });
    assert.equal(problem.field, "tool -x");
    assert.match(problem.message, says);
    assert.match(problem.message, /ended with exit code 4/);
    assert.ok(problem.message.includes(stderr.slice(0, 40)), "the program's own words stand in the message");
    assert.match(problem.remedy ?? "", remedy);
  });
}

test("what nobody knows is told as it was said", () => {
  const failure = { command: "nft -f -", ended: "ended with SIGKILL", stderr: "", input: "" };
  assert.equal(describeProblem(explainFailure(failure)), "nft -f - ended with SIGKILL: ");
});
