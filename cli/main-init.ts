import { initSubcommands } from "./init-subcommands.ts";
import { runProgram } from "./program.ts";

// The init image starts here: bundled alone, this starts in a third of the time of the whole.
// What is printed is written by now: Linux takes output to pipes and files at once. So the process ends here, and does
// not take its heap apart.
void runProgram(initSubcommands, process.argv.slice(2)).then(() => process.exit());
