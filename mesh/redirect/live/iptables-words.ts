import { parseAddress } from "../../address.ts";
import { type Cidr, hostCidr, parseCidr } from "../../cidr.ts";
import { type PortRange, parsePortRange } from "../../port-list.ts";
import type { ConntrackState, Match, Protocol, Target } from "../rule.ts";
import { parseMarked, parseTarget } from "./iptables-target.ts";
import type { LiveRule } from "./live-rule.ts";

/** Splits a line of iptables-save into words; a quoted one may hold spaces. */
export function splitWords(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, bare]) => bare ?? (quoted ?? "").replace(/\\(.)/g, "$1"),
  );
}

/** What has been read of a rule so far. */
interface Reading {
  readonly matches: Match[];
  readonly foreign: string[];
  target: Target | undefined;
  protocol: Protocol | undefined;
  /** The module that `-m` named last: mark and connmark share an option. */
  module: string;
  jump: string | undefined;
  /** Options of the target, by name. */
  readonly targetOptions: Map<string, string>;
}

function parseRange(text: string): Cidr | undefined {
  const address = parseAddress(text);
  return address === undefined ? parseCidr(text) : hostCidr(address);
}

function parseRanges(text: string): PortRange[] | undefined {
  const ranges = text.split(",").map(parsePortRange);
  return ranges.every((range) => range !== undefined) ? ranges : undefined;
}

const states: readonly string[] = ["NEW", "INVALID", "RELATED", "ESTABLISHED"];

function parseStates(text: string): ConntrackState[] | undefined {
  const names = text.split(",");
  return names.every((name): name is ConntrackState => states.includes(name)) ? names : undefined;
}

function address(kind: "source" | "destination", text: string, negated: boolean): Match | undefined {
  const range = parseRange(text);
  return range === undefined ? undefined : { kind, cidr: range, negated };
}

function interfaceMatch(kind: "in-interface" | "out-interface", name: string, negated: boolean): Match | undefined {
  return negated ? undefined : { kind, name };
}

function portMatch(kind: "source-port" | "destination-port", text: string, negated: boolean, reading: Reading) {
  const ranges = parseRanges(text);
  const { protocol } = reading;
  return ranges === undefined || protocol === undefined
    ? undefined
    : ({ kind, protocol, ports: ranges, negated } as const);
}

function owner(by: "uid" | "gid", text: string, negated: boolean): Match | undefined {
  return /^\d+$/.test(text) ? { kind: "owner", by, id: Number(text), negated } : undefined;
}

type ReadOption = (value: string, negated: boolean, reading: Reading) => Match | undefined;

/** Options that take a value and make a condition. */
const matchOptions: ReadonlyMap<string, ReadOption> = new Map<string, ReadOption>([
  ["-s", (value, negated) => address("source", value, negated)],
  ["-d", (value, negated) => address("destination", value, negated)],
  ["-i", (value, negated) => interfaceMatch("in-interface", value, negated)],
  ["-o", (value, negated) => interfaceMatch("out-interface", value, negated)],
  [
    "-p",
    (value, negated, reading) => {
      if (negated || (value !== "tcp" && value !== "udp")) return undefined;
      reading.protocol = value;
      return { kind: "protocol", protocol: value };
    },
  ],
  ["--sport", (value, negated, reading) => portMatch("source-port", value, negated, reading)],
  ["--sports", (value, negated, reading) => portMatch("source-port", value, negated, reading)],
  ["--dport", (value, negated, reading) => portMatch("destination-port", value, negated, reading)],
  ["--dports", (value, negated, reading) => portMatch("destination-port", value, negated, reading)],
  ["--uid-owner", (value, negated) => owner("uid", value, negated)],
  ["--gid-owner", (value, negated) => owner("gid", value, negated)],
  [
    "--ctstate",
    (value, negated) => {
      const names = negated ? undefined : parseStates(value);
      return names === undefined ? undefined : { kind: "conntrack-state", states: names };
    },
  ],
  [
    "--mark",
    (value, negated, { module }) => {
      const mark = parseMarked(value);
      if (mark === undefined || (module !== "mark" && module !== "connmark")) return undefined;
      return { kind: module, mark, negated };
    },
  ],
]);

/** Reads one rule's words, which follow `-A CHAIN`. */
export function parseRuleWords(words: readonly string[], text: string): LiveRule {
  const reading: Reading = {
    matches: [],
    foreign: [],
    target: undefined,
    protocol: undefined,
    module: "",
    jump: undefined,
    targetOptions: new Map(),
  };
  const rest = [...words];
  while (rest.length > 0) readOption(takeOption(rest), reading);
  const { matches, foreign, jump, targetOptions, protocol } = reading;
  const target = jump === undefined ? undefined : parseTarget(jump, targetOptions, protocol);
  return { matches, foreign, target, text };
}

/** Options whose value is any text, even one that looks like an option. */
const textOptions: readonly string[] = ["--comment", "--log-prefix", "--nflog-prefix", "--string", "--name"];

interface Option {
  readonly negated: boolean;
  readonly name: string;
  readonly value: string | undefined;
}

/** Takes one option with its value off the words. */
function takeOption(rest: string[]): Option {
  const negated = rest[0] === "!";
  if (negated) rest.shift();
  const name = rest.shift() ?? "";
  const looksLikeOption = /^(!$|-{1,2}[a-z])/.test(rest[0] ?? "") && !textOptions.includes(name);
  return { negated, name, value: looksLikeOption ? undefined : rest.shift() };
}

function readMatch({ negated, name, value = "" }: Option, reading: Reading): void {
  const match = matchOptions.get(name)?.(value, negated, reading);
  if (match === undefined) reading.foreign.push([negated ? "!" : "", name, value].join(" ").trim());
  else reading.matches.push(match);
}

function readOption(option: Option, reading: Reading): void {
  const { negated, name, value = "" } = option;
  if (reading.jump !== undefined) reading.targetOptions.set(name, value);
  else if (name === "-j" && !negated) reading.jump = value;
  else if (name === "-m") reading.module = value;
  else readMatch(option, reading);
}
