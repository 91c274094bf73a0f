import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIptablesSave } from "./iptables-save.ts";
import { ownPart } from "./own-rules.ts";

/** A table as it stands: rules of built-in chains, beside some chains of the mesh's. */
interface Standing {
  readonly table?: string;
  readonly own?: readonly string[];
  readonly rules: readonly string[];
}

const outbound = ["-A ISTIO_OUTBOUND -j ISTIO_REDIRECT", "-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001"];
const onlyPorts = ["-A ISTIO_OUTBOUND -p tcp -m tcp --dport 80 -j ISTIO_REDIRECT"];
const tproxy = [
  "-A ISTIO_DIVERT -j MARK --set-xmark 0x539/0xffffffff",
  "-A ISTIO_INBOUND -p tcp -m mark --mark 0x539 -j RETURN",
];

function tableOf({ table = "nat", own = outbound, rules }: Standing) {
  const chains = [...new Set(own.map((rule) => rule.split(" ")[1]))].map((name) => `:${name} - [0:0]`);
  const builtIn = ["PREROUTING", "INPUT", "OUTPUT"].map((name) => `:${name} ACCEPT [0:0]`);
  const text = [`*${table}`, ...builtIn, ":THEIRS - [0:0]", ...chains, ...rules, ...own, "COMMIT", ""].join("\n");
  const [parsed] = parseIptablesSave(text);
  assert.ok(parsed);
  return parsed;
}

/** Which rules are the mesh's; the others are somebody else's and stay. */
const cases: readonly (Standing & { name: string; ours: readonly string[] })[] = [
  {
    name: "jumps into chains of the mesh are its own, from others' chains too",
    rules: ["-A OUTPUT -j ISTIO_OUTBOUND", "-A OUTPUT -p tcp -j THEIRS", "-A THEIRS -j ISTIO_OUTBOUND"],
    ours: ["-A OUTPUT -j ISTIO_OUTBOUND", "-A THEIRS -j ISTIO_OUTBOUND"],
  },
  {
    name: "an interface that returns both ways is an excluded one",
    rules: ["-A PREROUTING -i eth1 -j RETURN", "-A OUTPUT -o eth1 -j RETURN", "-A OUTPUT -j ISTIO_OUTBOUND"],
    ours: ["-A PREROUTING -i eth1 -j RETURN", "-A OUTPUT -o eth1 -j RETURN", "-A OUTPUT -j ISTIO_OUTBOUND"],
  },
  {
    name: "an interface that returns one way alone is somebody else's",
    rules: ["-A PREROUTING -i eth1 -j RETURN", "-A OUTPUT -o eth2 -j RETURN", "-A OUTPUT -j ISTIO_OUTBOUND"],
    ours: ["-A OUTPUT -j ISTIO_OUTBOUND"],
  },
  {
    name: "a virtual interface is known by what else comes from it",
    rules: [
      "-A PREROUTING -i net1 -j ISTIO_REDIRECT",
      "-A PREROUTING -i net1 -j RETURN",
      "-A PREROUTING -i net9 -j RETURN",
      "-A OUTPUT -j ISTIO_OUTBOUND",
    ],
    ours: ["-A PREROUTING -i net1 -j ISTIO_REDIRECT", "-A PREROUTING -i net1 -j RETURN", "-A OUTPUT -j ISTIO_OUTBOUND"],
  },
  {
    name: "where no destination is captured, returns in front of everything are virtual interfaces",
    own: onlyPorts,
    rules: [
      "-A PREROUTING -i net1 -j RETURN",
      "-A PREROUTING -p tcp -j THEIRS",
      "-A PREROUTING -i net2 -j RETURN",
      "-A OUTPUT -j ISTIO_OUTBOUND",
    ],
    ours: ["-A PREROUTING -i net1 -j RETURN", "-A OUTPUT -j ISTIO_OUTBOUND"],
  },
  {
    name: "a return with any other condition is somebody else's",
    rules: [
      "-A PREROUTING -i eth1 -p tcp -j RETURN",
      "-A OUTPUT -o eth1 -p tcp -j RETURN",
      "-A OUTPUT -m comment --comment mine -j RETURN",
    ],
    ours: [],
  },
  {
    name: "marks of TPROXY are known by the mesh's own chains, whatever their number",
    table: "mangle",
    own: tproxy,
    rules: [
      "-A PREROUTING -p tcp -m mark --mark 0x539 -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff",
      "-A PREROUTING -p tcp -m mark --mark 0x77 -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff",
      "-A OUTPUT -o lo -p tcp -m mark --mark 0x539 -j RETURN",
      "-A OUTPUT -p tcp -m mark --mark 0x539 -j RETURN",
      "-A OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m owner --uid-owner 1337 -j MARK --set-xmark 0x53a/0xffffffff",
      "-A OUTPUT -p tcp -m owner --uid-owner 1337 -j MARK --set-xmark 0x53a/0xffffffff",
      "-A OUTPUT -p tcp -m connmark --mark 0x539 -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff",
    ],
    ours: [
      "-A PREROUTING -p tcp -m mark --mark 0x539 -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff",
      "-A OUTPUT -o lo -p tcp -m mark --mark 0x539 -j RETURN",
      "-A OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m owner --uid-owner 1337 -j MARK --set-xmark 0x53a/0xffffffff",
      "-A OUTPUT -p tcp -m connmark --mark 0x539 -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff",
    ],
  },
  {
    name: "chains of other versions are the mesh's by their name",
    own: ["-A ISTIO_OUTPUT -j ISTIO_REDIRECT", "-A ISTIO_SOMETHING_NEW -j RETURN"],
    rules: ["-A OUTPUT -j ISTIO_OUTPUT", "-A INPUT -j ISTIO_SOMETHING_NEW", "-A INPUT -j ISTIOD"],
    ours: ["-A INPUT -j ISTIO_SOMETHING_NEW", "-A OUTPUT -j ISTIO_OUTPUT"],
  },
];

for (const { name, ours, ...standing } of cases) {
  test(name, () => {
    const part = ownPart(tableOf(standing));
    const found = part?.rules.map(({ chain, rule }) => `-A ${chain} ${rule.text}`) ?? [];
    assert.deepEqual(found.toSorted(), ours.toSorted());
  });
}

test("without a chain of the mesh's, nothing is the mesh's", () => {
  const rules = ["-A PREROUTING -i eth1 -j RETURN", "-A OUTPUT -o eth1 -j RETURN"];
  assert.equal(ownPart(tableOf({ own: [], rules })), undefined);
});

test("a rule knows how many rules of others stand in front of it", () => {
  const rules = ["-A OUTPUT -p tcp -j THEIRS", "-A OUTPUT -j ISTIO_OUTBOUND", "-A OUTPUT -p udp -j THEIRS"];
  assert.equal(ownPart(tableOf({ rules }))?.rules[0]?.behind, 1);
});
