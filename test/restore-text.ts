import { parseRuleWords, splitWords } from "../mesh/redirect/live/iptables-words.ts";
import type { LiveRule, LiveTable } from "../mesh/redirect/live/live-rule.ts";
import type { NftTable } from "../mesh/redirect/live/nft-ruleset.ts";
import { parseNftRule } from "../mesh/redirect/live/nft-words.ts";

const builtIn = ["PREROUTING", "OUTPUT"];

type Chains = Map<string, LiveRule[]>;

function chainNamed(chains: Chains | undefined, name: string | undefined): LiveRule[] {
  const chain = chains?.get(name ?? "");
  if (chain === undefined) throw new Error(`the chain ${name} is used before it is made`);
  return chain;
}

/** The place of the rule that is written so. */
function placeOf(chain: readonly LiveRule[], text: string, line: string): number {
  const index = chain.findIndex((rule) => rule.text === text);
  if (index === -1) throw new Error(`${line}: no such rule`);
  return index;
}

function isJumpedTo(chains: Chains, name: string): boolean {
  return [...chains.values()].flat().some(({ target }) => target?.kind === "jump" && target.chain === name);
}

function applyToChains(chains: Chains, command: string, name: string, line: string): void {
  if (command === "-N") {
    if (chains.has(name)) throw new Error(`${line}: the chain is there already`);
    chains.set(name, []);
  } else if (command === "-F") {
    chainNamed(chains, name).length = 0;
  } else {
    if (chainNamed(chains, name).length > 0 || isJumpedTo(chains, name))
      throw new Error(`${line}: the chain is in use`);
    chains.delete(name);
  }
}

/** Does what one line of iptables-restore asks for, or throws where the kernel would refuse it. */
function applyLine(chains: Chains, line: string): void {
  const [command = "", name = "", ...words] = splitWords(line);
  if (["-N", "-F", "-X"].includes(command)) {
    applyToChains(chains, command, name, line);
    return;
  }
  const chain = chainNamed(chains, name);
  const number = command === "-I" ? Number(words.shift()) : chain.length + 1;
  if (!(number >= 1 && number <= chain.length + 1)) throw new Error(`${line}: index of insertion too big`);
  const text = words.join(" ");
  if (command === "-D") chain.splice(placeOf(chain, text, line), 1);
  else chain.splice(number - 1, 0, parseRuleWords(words, text));
}

function liveTables(tables: ReadonlyMap<string, Chains>): LiveTable[] {
  return [...tables].map(([name, chains]) => ({
    name,
    chains: [...chains].map(([chain, rules]) => ({ name: chain, rules: [...rules] })),
  }));
}

/** The states through which iptables-restore leads some tables: one after each COMMIT. */
export function statesOfRestoreText(text: string, before: readonly LiveTable[]): LiveTable[][] {
  const tables = new Map<string, Chains>(
    before.map(({ name, chains }) => [name, new Map(chains.map((chain) => [chain.name, [...chain.rules]]))]),
  );
  const states: LiveTable[][] = [];
  let current: Chains = new Map();
  for (const line of text.split("\n").filter((each) => each !== "")) {
    if (line === "COMMIT") states.push(liveTables(tables));
    else if (line.startsWith("* ")) {
      current = tables.get(line.slice(2)) ?? new Map(builtIn.map((name) => [name, []]));
      tables.set(line.slice(2), current);
    } else applyLine(current, line);
  }
  return states;
}

/** The tables that iptables-restore makes of a text, in a namespace without rules. */
export function tablesOfRestoreText(text: string): LiveTable[] {
  return statesOfRestoreText(text, []).at(-1) ?? [];
}

interface NftChains {
  readonly family: string;
  readonly name: string;
  readonly chains: Map<string, { readonly hook: string | undefined; readonly rules: LiveRule[] }>;
}

function addChain({ chains }: NftChains, text: string): void {
  const [, name = "", hook] = /^(\S+)(?: \{ (.*) ; \})?$/.exec(text) ?? [];
  chains.set(name, { hook, rules: [] });
}

/** `istio-inbound index 1 meta mark 1337 counter return`, in the words in which nft lists it. */
function addRule({ chains }: NftChains, verb: string, text: string): void {
  const [, name = "", index, expression = ""] = /^(\S+) (?:index (\d+) )?(.*)$/.exec(text) ?? [];
  const rules = chains.get(name)?.rules;
  if (rules === undefined) throw new Error(`${text}: the chain is used before it is made`);
  const place = verb === "add" ? rules.length : Number(index);
  if (verb === "insert" && !(place < rules.length)) throw new Error(`${text}: no rule has this index`);
  rules.splice(place, 0, parseNftRule(expression.replace(/(^| )counter /, "$1counter packets 0 bytes 0 ")));
}

/** The tables that `nft -f` makes of a text, in a namespace without rules. */
export function tablesOfNftText(text: string): NftTable[] {
  const tables: NftChains[] = [];
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const [, verb = "", kind, family = "", name = "", rest = ""] = /^(\w+) (\w+) (\w+) (\S+) ?(.*)$/.exec(line) ?? [];
    const table = tables.find((each) => each.name === name && each.family === family);
    if (kind === "table" && verb === "add") tables.push({ family, name, chains: new Map() });
    else if (table === undefined) throw new Error(`${line}: the table is used before it is made`);
    else if (kind === "chain") addChain(table, rest);
    else if (kind === "rule") addRule(table, verb, rest);
  }
  return tables.map(({ family, name, chains }) => ({
    family,
    name,
    chains: [...chains].map(([chain, held]) => ({ name: chain, ...held })),
  }));
}
