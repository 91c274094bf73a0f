import { Command } from "commander";
import { type Takedown, takeDown } from "../run/stop.ts";
import { defaultGraceSeconds, seconds, withName } from "./options.ts";

const examples = `
Examples:
  outrigger sandbox down
  outrigger sandbox down --name test --grace-period 0

Works on a sandbox in any state, also one whose processes were killed, and leaves nothing. There being none is no error.
`;

const said: Readonly<Record<Takedown, string>> = {
  "was-not-up": "was not up",
  stopped: "is down",
  killed: "is down; it had to be killed",
  "leftovers-removed": "had been killed; what it left is removed",
};

async function run({ name, gracePeriod }: { name: string; gracePeriod: number }): Promise<void> {
  const takedown = await takeDown(name, gracePeriod * 1000);
  process.stdout.write(`sandbox ${name} ${said[takedown]}\n`);
}

/** `outrigger sandbox down`: ends a sandbox. */
export function downCommand(): Command {
  return withName(new Command("down"))
    .description("Take a sandbox down.")
    .option("--grace-period <seconds>", "how long Pods get to end, at most", seconds, defaultGraceSeconds)
    .addHelpText("after", examples)
    .action(run);
}
