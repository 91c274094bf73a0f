import assert from "node:assert/strict";
import { test } from "node:test";
import { describeProblem } from "../mesh/errors.ts";
import { type BackendWish, chooseBackend } from "../mesh/redirect/backend.ts";
import { parseIptablesSave } from "../mesh/redirect/live/iptables-save.ts";
import { parseNftRuleset } from "../mesh/redirect/live/nft-ruleset.ts";
import { observationOf } from "./observe.ts";
import type { ReadTables } from "./read-tables.ts";
import type { Tools } from "./tools.ts";

function iptablesTools(variant: string) {
  const files = (verb: string) => ({
    IPv4: `/sbin/iptables-${variant}-${verb}`,
    IPv6: `/sbin/ip6tables-${variant}-${verb}`,
  });
  return { restore: files("restore"), save: files("save") };
}

const all: Tools = {
  iptables: { "iptables-nft": iptablesTools("nft"), "iptables-legacy": iptablesTools("legacy") },
  nft: "/sbin/nft",
  ip: "/sbin/ip",
};
const onlyLegacy: Tools = { iptables: { "iptables-legacy": iptablesTools("legacy") }, nft: undefined, ip: "/sbin/ip" };
const onlyNft: Tools = { iptables: { "iptables-nft": iptablesTools("nft") }, nft: "/sbin/nft", ip: "/sbin/ip" };
const nothing: Tools = { iptables: {}, nft: undefined, ip: undefined };

const ours = "*nat\n:OUTPUT ACCEPT [0:0]\n:ISTIO_OUTPUT - [0:0]\n-A OUTPUT -j ISTIO_OUTPUT\nCOMMIT\n";
const ourGuard = "*raw\n:OUTPUT ACCEPT [0:0]\n:ISTIO_GUARD - [0:0]\n-A OUTPUT -j ISTIO_GUARD\nCOMMIT\n";
const theirs = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n";
const emptyTable = "*nat\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";

const nftTheirs =
  "table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy accept;\n\t\ttcp dport 22 accept\n\t}\n}\n";
const nftEmpty = "table ip nat {\n\tchain OUTPUT {\n\t\ttype nat hook output priority -100; policy accept;\n\t}\n}\n";
const nftOther =
  "table inet firewalld {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n\t\ttcp dport 22 accept\n\t}\n}\n";
const nativeOurs = "table inet istio-proxy-nat {\n\tchain output {\n\t}\n}\n";

interface Read {
  readonly nft?: string;
  readonly iptablesNft?: string;
  readonly legacy?: string;
  readonly failure?: string;
}

function readTables({ nft = "", iptablesNft = "", legacy = "", failure }: Read): ReadTables {
  const IPv6: never[] = [];
  return {
    nftables: failure === undefined ? parseNftRuleset(nft) : undefined,
    iptables: {
      "iptables-nft": { IPv4: parseIptablesSave(iptablesNft), IPv6 },
      "iptables-legacy": { IPv4: parseIptablesSave(legacy), IPv6 },
    },
    ...(failure !== undefined && {
      nftFailure: {
        command: "/sbin/nft list ruleset",
        ended: "ended with exit code 1",
        stdout: "",
        stderr: failure,
        input: "",
        notInstalled: false,
        cause: undefined,
      },
    }),
  };
}

const auto: BackendWish = { nativeNftables: false, binary: "auto" };
const noNfTables = "netlink: Error: cache initialization failed: Protocol not supported";

/** What is read, and where rules are written because of it: a backend with the reason, or why nowhere. */
const table: readonly { name: string; read?: Read; tools?: Tools; wish?: BackendWish; chosen: string | RegExp }[] = [
  { name: "nothing stands", chosen: "iptables-nft newer-of-two" },
  { name: "nothing stands, only legacy is installed", tools: onlyLegacy, chosen: "iptables-legacy only-one-here" },
  { name: "nothing stands, only nft is installed", tools: onlyNft, chosen: "iptables-nft only-one-here" },
  {
    name: "nothing is installed",
    tools: nothing,
    chosen: /iptables-nft-restore, .* are not all installed; install what is missing.*iptables-legacy-restore/s,
  },
  { name: "others use nft", read: { nft: nftTheirs }, chosen: "iptables-nft others-use-it" },
  { name: "others use legacy", read: { legacy: theirs }, chosen: "iptables-legacy others-use-it" },
  { name: "others use both", read: { nft: nftTheirs, legacy: theirs }, chosen: "iptables-nft others-use-it" },
  {
    name: "others use what is not installed",
    read: { nft: nftTheirs },
    tools: onlyLegacy,
    chosen: "iptables-legacy only-one-here",
  },
  {
    name: "tables that hold no rules tell nothing",
    read: { nft: nftEmpty, legacy: emptyTable },
    chosen: "iptables-nft newer-of-two",
  },
  {
    name: "an empty legacy table beside others' nft",
    read: { nft: nftTheirs, legacy: emptyTable },
    chosen: "iptables-nft others-use-it",
  },
  {
    name: "tables of nftables' own tell nothing of iptables",
    read: { nft: nftOther },
    chosen: "iptables-nft newer-of-two",
  },
  { name: "ours stand in nft", read: { iptablesNft: ours, legacy: theirs }, chosen: "iptables-nft rules-stand-there" },
  { name: "ours stand in legacy", read: { nft: nftTheirs, legacy: ours }, chosen: "iptables-legacy rules-stand-there" },
  { name: "ours stand in both", read: { iptablesNft: ours, legacy: ours }, chosen: "iptables-nft rules-stand-there" },
  { name: "a guard alone is left in legacy", read: { legacy: ourGuard }, chosen: "iptables-nft newer-of-two" },
  {
    name: "ours stand in native nftables",
    read: { nft: nativeOurs },
    chosen: "nftables rules-stand-there",
  },
  {
    name: "ours stand where tools are gone",
    read: { legacy: ours },
    tools: onlyNft,
    chosen: /iptables-legacy-restore, .* are not all installed/,
  },
  {
    name: "native is asked for",
    wish: { nativeNftables: true, binary: "auto" },
    read: { legacy: ours },
    chosen: "nftables asked-for",
  },
  {
    name: "native is asked for, without nft",
    wish: { nativeNftables: true, binary: "auto" },
    tools: onlyLegacy,
    chosen: /nft is not installed/,
  },
  {
    name: "legacy is asked for",
    wish: { nativeNftables: false, binary: "legacy" },
    read: { nft: nftTheirs },
    chosen: "iptables-legacy asked-for",
  },
  {
    name: "legacy is asked for, without it",
    wish: { nativeNftables: false, binary: "legacy" },
    tools: onlyNft,
    chosen: /iptables-legacy-restore, .* are not all installed/,
  },
  { name: "the kernel has no nf_tables", read: { failure: noNfTables }, chosen: "iptables-legacy only-one-here" },
  {
    name: "the kernel has no nf_tables, nft is asked for",
    read: { failure: noNfTables },
    wish: { nativeNftables: false, binary: "nft" },
    chosen: /no nf_tables in the kernel.*load the module nf_tables/,
  },
];

for (const { name, read = {}, tools = all, wish = auto, chosen } of table) {
  test(`the backend when ${name}`, () => {
    const { backends } = observationOf(readTables(read), tools);
    const choice = chooseBackend(wish, backends);
    if (typeof chosen === "string") return assert.equal(choice.chosen && `${choice.backend} ${choice.reason}`, chosen);
    assert.ok(!choice.chosen);
    assert.match(choice.problems.map(describeProblem).join("\n"), chosen);
  });
}
