import { parseAddress } from "../../address.ts";
import { type Cidr, hostCidr, parseCidr } from "../../cidr.ts";
import { type PortRange, parsePortRange } from "../../port-list.ts";
import type { ConntrackState, Match, Protocol, Target } from "../rule.ts";
import type { LiveRule } from "./live-rule.ts";

/** The words of a rule, taken off from the front. */
type Words = string[];

/** Splits a line of `nft list ruleset`; a set such as `{ 53, 15008 }` is one word. */
export function splitNftWords(line: string): Words {
  return [...line.matchAll(/\{[^}]*\}|"([^"]*)"|[^\s]+/g)].map(([word, quoted]) => quoted ?? word);
}

function takeNegation(words: Words): boolean {
  if (words[0] !== "!=") return false;
  words.shift();
  return true;
}

function parseRange(text: string): Cidr | undefined {
  const address = parseAddress(text);
  return address === undefined ? parseCidr(text) : hostCidr(address);
}

function parsePorts(text: string): PortRange[] | undefined {
  const items = text.replace(/^\{\s*|\s*\}$/g, "").split(/,\s*/);
  const ranges = items.map(parsePortRange);
  return ranges.every((range) => range !== undefined) ? ranges : undefined;
}

function parseNumber(text: string | undefined): number | undefined {
  return /^(0x[0-9a-f]+|\d+)$/i.test(text ?? "") ? Number(text) : undefined;
}

const protocols: Readonly<Record<string, Protocol>> = { tcp: "tcp", "6": "tcp", udp: "udp", "17": "udp" };
const stateBits: Readonly<Record<string, ConntrackState>> = {
  invalid: "INVALID",
  "0x1": "INVALID",
  established: "ESTABLISHED",
  "0x2": "ESTABLISHED",
  related: "RELATED",
  "0x4": "RELATED",
  new: "NEW",
  "0x8": "NEW",
};

function takeAddress(family: string, words: Words): Match | undefined {
  const field = words.shift();
  if (field !== "saddr" && field !== "daddr") return undefined;
  const negated = takeNegation(words);
  const range = parseRange(words.shift() ?? "");
  if (range === undefined || (range.family === "IPv4") !== (family === "ip")) return undefined;
  return { kind: field === "saddr" ? "source" : "destination", cidr: range, negated };
}

function takePorts(protocol: Protocol, words: Words): Match | undefined {
  const field = words.shift();
  if (field !== "sport" && field !== "dport") return undefined;
  const negated = takeNegation(words);
  const ranges = parsePorts(words.shift() ?? "");
  if (ranges === undefined) return undefined;
  return { kind: field === "sport" ? "source-port" : "destination-port", protocol, ports: ranges, negated };
}

function takeOwner(by: "uid" | "gid", words: Words): Match | undefined {
  const negated = takeNegation(words);
  const id = words.shift();
  if (id === undefined || !/^[\w.-]+$/.test(id)) return undefined;
  return { kind: "owner", by, id: /^\d+$/.test(id) ? Number(id) : id, negated };
}

function takeMark(kind: "mark" | "connmark", words: Words): Match | undefined {
  const negated = takeNegation(words);
  const mark = parseNumber(words.shift());
  return mark === undefined ? undefined : { kind, mark, negated };
}

function takeStates(words: Words): Match | undefined {
  const names = (words.shift() ?? "").split(",").map((name) => stateBits[name]);
  return names.every((name) => name !== undefined) ? { kind: "conntrack-state", states: names } : undefined;
}

function takeMeta(words: Words): Match | undefined {
  const key = words.shift();
  if (key === "skuid" || key === "skgid") return takeOwner(key === "skuid" ? "uid" : "gid", words);
  if (key === "mark") return takeMark("mark", words);
  const value = words.shift() ?? "";
  if (key === "nfproto") {
    const family = { ipv4: "IPv4", "2": "IPv4", ipv6: "IPv6", "10": "IPv6" }[value];
    return family === "IPv4" || family === "IPv6" ? { kind: "family", family } : undefined;
  }
  const protocol = key === "l4proto" ? protocols[value] : undefined;
  return protocol === undefined ? undefined : { kind: "protocol", protocol };
}

/** The condition that the words begin with, which are taken off; undefined if it is none of ours. */
function takeMatch(words: Words): Match | undefined {
  const first = words.shift() ?? "";
  switch (first) {
    case "iifname":
    case "oifname": {
      const name = (words.shift() ?? "").replace(/\*$/, "+");
      return { kind: first === "iifname" ? "in-interface" : "out-interface", name };
    }
    case "ip":
    case "ip6":
      return takeAddress(first, words);
    case "tcp":
    case "udp":
      return takePorts(first, words);
    case "meta":
      return takeMeta(words);
    case "skuid":
    case "skgid":
      return takeOwner(first === "skuid" ? "uid" : "gid", words);
    case "mark":
      return takeMark("mark", words);
    case "ct": {
      const key = words.shift();
      if (key === "state") return takeStates(words);
      return key === "mark" ? takeMark("connmark", words) : undefined;
    }
    default:
      return undefined;
  }
}

/** Patterns of what ends a rule of ours, and the target that each is. */
const targets: readonly [RegExp, (found: RegExpExecArray) => Target | undefined][] = [
  [/^(return|accept|drop)$/, ([, verdict]) => ({ kind: verdict as "return" | "accept" | "drop" })],
  [/^jump (\S+)$/, ([, chain = ""]) => ({ kind: "jump", chain })],
  [/^redirect to :(\d+)$/, ([, port]) => ({ kind: "redirect", protocol: "tcp", port: Number(port) })],
  [
    /^tproxy (?:ip6? )?to :(\d+) meta mark set (\S+) accept$/,
    ([, port, mark]) => ({ kind: "tproxy", port: Number(port), mark: Number(mark) }),
  ],
  [/^ct mark set (?:meta )?mark$/, () => ({ kind: "save-mark" })],
  [/^(?:meta )?mark set ct mark$/, () => ({ kind: "restore-mark" })],
  [/^(?:meta )?mark set (0x[0-9a-f]+|\d+)$/, ([, mark]) => ({ kind: "set-mark", mark: Number(mark) })],
  [/^ct zone set (\d+)$/, ([, zone]) => ({ kind: "conntrack-zone", zone: Number(zone) })],
];

function targetOf(text: string): Target | undefined {
  for (const [pattern, make] of targets) {
    const found = pattern.exec(text);
    if (found !== null) return make(found);
  }
  return undefined;
}

/** Reads one rule of `nft list ruleset`. Chains keep the names that nft gives them. */
export function parseNftRule(text: string): LiveRule {
  const words = splitNftWords(text.replace(/\bcounter packets \d+ bytes \d+ ?/, ""));
  const matches: Match[] = [];
  while (words.length > 0) {
    const target = targetOf(words.join(" "));
    if (target !== undefined) return { matches, foreign: [], target, text };
    const match = takeMatch(words);
    if (match === undefined) return { matches, foreign: [text], target: undefined, text };
    matches.push(match);
  }
  return { matches, foreign: [text], target: undefined, text };
}
