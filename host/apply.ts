import type { RuleSet } from "../mesh/redirect/rule.ts";
import { run } from "./command.ts";

/** Writes the texts into this network namespace, each as one transaction, and the address that IPv6 rules know. */
export async function applyRules(
  inputs: readonly { readonly command: string; readonly input: string }[],
  { families }: RuleSet,
): Promise<void> {
  for (const { command, input } of inputs) {
    const [file = "", ...args] = command.split(" ");
    await run({ file, args: file === "nft" ? args : [...args, "--wait", "30"], input });
  }
  if (families.includes("IPv6")) await run({ file: "ip", args: ["-6", "addr", "replace", "::6/128", "dev", "lo"] });
}
