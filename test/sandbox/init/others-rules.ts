import type { InitPod } from "./pod.ts";

/** Rules of others, as container engines and administrators write them; each has counters, to show that nobody wrote it anew. */
const before = {
  IPv4: `
*nat
:DOCKER - [0:0]
[7:777] -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
[7:777] -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
[7:777] -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
[7:777] -A DOCKER -i docker0 -j RETURN
[7:777] -A DOCKER -p tcp -m tcp --dport 8443 -j DNAT --to-destination 172.17.0.2:443
COMMIT
*mangle
[7:777] -A PREROUTING -i ipsec0 -j MARK --set-mark 0x539
[7:777] -A OUTPUT -m mark --mark 0x2a -j ACCEPT
COMMIT
*raw
[7:777] -A PREROUTING -p udp -m udp --dport 8472 -j NOTRACK
COMMIT
*filter
:ADMIN - [0:0]
[7:777] -A INPUT -j ADMIN
[7:777] -A ADMIN -m comment --comment "ISTIO_INBOUND is not mine \\"at all\\"" -j RETURN
COMMIT
`,
  IPv6: `
*nat
[7:777] -A POSTROUTING -s fd00:17::/64 -j MASQUERADE
COMMIT
*mangle
[7:777] -A PREROUTING -i ipsec0 -j MARK --set-mark 0x539
COMMIT
`,
};

const after = {
  IPv4: `
*nat
[7:777] -A PREROUTING -i docker0 -j RETURN
[7:777] -A OUTPUT -p tcp -m owner --uid-owner 1337 -j RETURN
COMMIT
*mangle
:ADMIN - [0:0]
[7:777] -A PREROUTING -p tcp -j ADMIN
[7:777] -A OUTPUT -o lo -j RETURN
[7:777] -A ADMIN -j CONNMARK --save-mark
COMMIT
*raw
[7:777] -A OUTPUT -p udp -m udp --dport 53 -m owner --uid-owner 1337 -j CT --zone 7
COMMIT
`,
  IPv6: `
*nat
[7:777] -A OUTPUT -d 2001:db8::/32 -j RETURN
COMMIT
`,
};

const elsewhere = `
nft -f - <<'END'
table inet others {
  set ports { type inet_service; elements = { 80, 443 } }
  chain output { type filter hook output priority -150; tcp dport @ports counter packets 7 bytes 777 comment "istio-proxy-nat"; }
}
table ip istio-like { chain istio-inbound { tcp dport 15006 counter packets 7 bytes 777 drop; } }
END
for family in -4 -6; do
  ip $family rule add fwmark 42 lookup 133
  ip $family rule add fwmark 1337 lookup 77
  ip $family route add default dev eth0 table 77
done
ip addr add 10.255.0.1/32 dev lo
ip -6 addr add ::7/128 dev lo`;

/** What is in the namespace, with the counters of rules, and without those of whole chains. */
const dump = `
for save in iptables-nft-save ip6tables-nft-save iptables-legacy-save ip6tables-legacy-save; do
  echo "== $save"; $save -c | grep -v '^#' | sed -E 's/^(:.*) \\[.*\\]/\\1/'
done
nft list table inet others; nft list table ip istio-like
nft list tables | grep -vE ' ip6? (raw|mangle|nat|filter)$'
for family in -4 -6; do ip $family rule; ip $family route show table all; done; ip addr show dev lo`;

/** Others' rules in one of the two kinds of iptables' tables, and what they have elsewhere. */
export interface OthersRules {
  /** Writes those that stand there before init runs. */
  readonly writeFirst: (pod: InitPod) => void;
  /** Writes those that come later, into the same chains. */
  readonly writeLater: (pod: InitPod) => void;
}

function restore(pod: InitPod, variant: "nft" | "legacy", { IPv4, IPv6 }: typeof before): void {
  const command = (name: string, text: string) =>
    `${name}-${variant}-restore --noflush --counters <<'END'\n${text}END\n`;
  pod.shell(command("iptables", IPv4) + command("ip6tables", IPv6));
}

export function othersRules(variant: "nft" | "legacy"): OthersRules {
  return {
    writeFirst: (pod) => {
      pod.shell(elsewhere);
      restore(pod, variant, before);
    },
    writeLater: (pod) => restore(pod, variant, after),
  };
}

/** The chains that are the kernel's stay where a table has been used, and say nothing. */
const builtIn = /^:(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING) /;

/** Everything that stands in the namespace: each line with the table that it is in, in order, tables by name. */
export function everything(pod: InitPod): string[] {
  let place = "";
  const lines: { place: string; line: string }[] = [];
  for (const line of pod.shell(dump).split("\n")) {
    if (line.startsWith("== ")) place = line;
    else if (line.startsWith("*")) place = `${place.replace(/ \*.*/, "")} ${line}`;
    else if (line !== "COMMIT" && !builtIn.test(line) && !line.includes("fe80:")) lines.push({ place, line });
  }
  return Object.entries(Object.groupBy(lines, (each) => each.place))
    .sort(([a], [b]) => a.localeCompare(b))
    .flatMap(([, each = []]) => each.map(({ place: where, line }) => `${where}: ${line}`));
}
