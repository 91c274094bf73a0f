import type { LiveRule, LiveTable } from "./live-rule.ts";
import { parseNftRule } from "./nft-words.ts";

/** A table of nftables: `table inet istio-proxy-nat` is of the family inet. */
export interface NftTable extends LiveTable {
  readonly family: string;
  readonly chains: readonly NftChain[];
}

export interface NftChain {
  readonly name: string;
  /** `type nat hook output priority -100`, without the policy; undefined for a chain that is only jumped to. */
  readonly hook: string | undefined;
  readonly rules: readonly LiveRule[];
}

interface Block {
  /** What stands in front of `{`. */
  readonly head: string;
  readonly lines: string[];
  readonly blocks: Block[];
}

/** The blocks of the text: `head {`, lines, and `}` on a line of its own. */
function parseBlocks(text: string): Block[] {
  const top: Block = { head: "", lines: [], blocks: [] };
  const open = [top];
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    const block = open.at(-1) ?? top;
    if (line === "}" && open.length > 1) {
      open.pop();
    } else if (line.endsWith("{")) {
      const inner: Block = { head: line.slice(0, -1).trim(), lines: [], blocks: [] };
      block.blocks.push(inner);
      open.push(inner);
    } else if (line !== "") {
      block.lines.push(line);
    }
  }
  return top.blocks;
}

function parseChain({ head, lines }: Block): NftChain {
  const hookLine = /^(type .*? priority [^;]*);/;
  const hook = lines.map((line) => hookLine.exec(line)?.[1]).find((found) => found !== undefined);
  const rules = lines.filter((line) => !hookLine.test(line)).map(parseNftRule);
  return { name: head.replace(/^chain /, ""), hook, rules };
}

/** Reads what `nft list ruleset` prints. Sets, maps and other objects of tables are left out. */
export function parseNftRuleset(text: string): NftTable[] {
  return parseBlocks(text).flatMap(({ head, blocks }) => {
    const [, family, name] = /^table (\S+) (\S+)$/.exec(head) ?? [];
    if (family === undefined || name === undefined) return [];
    return [{ family, name, chains: blocks.filter((block) => block.head.startsWith("chain ")).map(parseChain) }];
  });
}
