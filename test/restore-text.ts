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

/** Does what one line of iptables-restore asks for; chains must be made before they are used. */
function applyLine(chains: Chains | undefined, line: string): void {
  const [command, name, ...words] = splitWords(line);
  if (command === "-N") {
    if (chains?.has(name ?? "") !== false) throw new Error(`${line}: the chain is there already`);
    chains.set(name ?? "", []);
    return;
  }
  const chain = chainNamed(chains, name);
  const number = command === "-I" ? Number(words.shift()) : chain.length + 1;
  if (!(number >= 1 && number <= chain.length + 1)) throw new Error(`${line}: index of insertion too big`);
  chain.splice(number - 1, 0, parseRuleWords(words, words.join(" ")));
}

/** The tables that iptables-restore makes of a text, in a namespace without rules. */
export function tablesOfRestoreText(text: string): LiveTable[] {
  const tables = new Map<string, Chains>();
  for (const line of text.split("\n").filter((each) => each !== "" && each !== "COMMIT")) {
    if (line.startsWith("* ")) tables.set(line.slice(2), new Map(builtIn.map((name) => [name, []])));
    else applyLine([...tables.values()].at(-1), line);
  }
  return [...tables].map(([name, chains]) => ({
    name,
    chains: [...chains].map(([chain, rules]) => ({ name: chain, rules })),
  }));
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
