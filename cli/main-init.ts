import { runProgram, type Subcommands } from "./program.ts";

/** What the init image has of the `outrigger` command. Bundled alone, it starts in a third of the time of the whole. */
const subcommands: Subcommands = {
  init: { summary: "write the capture rules of a Pod (run by istio-init)", load: () => import("../init/cli.ts") },
  "istio-iptables": { summary: "init, by the name that Istio's injector uses", load: () => import("../init/cli.ts") },
  trace: {
    summary: "follow a connection through a Pod's capture rules",
    load: () => import("../init/trace/cli.ts"),
  },
};

// What is printed is written by now: Linux takes output to pipes and files at once. So the process ends here, and does
// not take its heap apart.
void runProgram(subcommands, process.argv.slice(2)).then(() => process.exit());
