import type { IpFamily } from "../mesh/address.ts";
import type { IptablesBackend } from "../mesh/redirect/backend.ts";
import type { NftTable } from "../mesh/redirect/live/nft-ruleset.ts";
import type { OwnPart } from "../mesh/redirect/live/own-rules.ts";
import { printNftables } from "../mesh/redirect/nftables.ts";
import type { RuleSet } from "../mesh/redirect/rule.ts";
import { type TableContent, transition } from "../mesh/redirect/transition.ts";
import { run } from "./command.ts";
import { type NetworkNamespace, within } from "./netns.ts";
import type { Tools } from "./tools.ts";

/** How long iptables waits for another program's lock, in seconds. */
const lockWaitS = 20;
const restoreTimeoutMs = 40_000;

export interface RuleContext {
  readonly tools: Tools;
  readonly namespace: NetworkNamespace;
}

/** Leads one family of one iptables backend from what was read to what is to be, by one run of iptables-restore. */
export async function exchangeIptables(
  backend: IptablesBackend,
  family: IpFamily,
  before: readonly OwnPart[],
  after: readonly TableContent[],
  { tools, namespace }: RuleContext,
): Promise<void> {
  const input = transition(before, after);
  const file = tools.iptables[backend]?.restore[family];
  if (input === "" || file === undefined) return;
  const args = ["--noflush", "--wait", String(lockWaitS)];
  await run(within(namespace, { file, args, input, timeoutMs: restoreTimeoutMs }));
}

/** Leads nftables from what was read to what is to be, by one transaction. */
export async function exchangeNftables(
  before: readonly NftTable[],
  after: RuleSet | undefined,
  { tools, namespace }: RuleContext,
): Promise<void> {
  const deleted = before.map(({ family, name }) => `delete table ${family} ${name}\n`).join("");
  const input = deleted + (after === undefined ? "" : printNftables(after));
  if (input === "" || tools.nft === undefined) return;
  await run(within(namespace, { file: tools.nft, args: ["-f", "-"], input }));
}
