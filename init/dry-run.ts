import { writeFileSync } from "node:fs";
import type { IpFamily } from "../mesh/address.ts";
import { OutriggerError } from "../mesh/errors.ts";
import { printIptables } from "../mesh/redirect/iptables.ts";
import { printNftables } from "../mesh/redirect/nftables.ts";
import type { RuleSet } from "../mesh/redirect/rule.ts";

/** A text and the command that would get it on standard input. */
export interface CommandInput {
  readonly command: string;
  readonly input: string;
}

const restoreCommands: Readonly<Record<IpFamily, string>> = { IPv4: "iptables-restore", IPv6: "ip6tables-restore" };

/** What a run would give to which command. */
export function commandInputs(ruleSet: RuleSet, nativeNftables: boolean): CommandInput[] {
  if (nativeNftables) return [{ command: "nft -f -", input: printNftables(ruleSet) }];
  return ruleSet.families.map((family) => ({
    command: `${restoreCommands[family]} --noflush`,
    input: printIptables(ruleSet, family),
  }));
}

/**
 * Writes the texts to the file that DRY_RUN_FILE_PATH names.
 * @throws OutriggerError BAD_CONFIGURATION
 */
export function writeDryRunFile(path: string, inputs: readonly CommandInput[]): void {
  try {
    writeFileSync(path, inputs.map(({ input }) => input).join(""));
  } catch (error) {
    const message = `cannot be written: ${(error as Error).message}`;
    throw new OutriggerError("BAD_CONFIGURATION", [{ field: "DRY_RUN_FILE_PATH", value: path, message }], {
      cause: error,
    });
  }
}
