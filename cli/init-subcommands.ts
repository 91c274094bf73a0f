import type { Subcommands } from "./program.ts";

/** What the init image has of the `outrigger` command, and the whole has too. */
export const initSubcommands = {
  init: { summary: "write the capture rules of a Pod (run by istio-init)", load: () => import("../init/cli.ts") },
  "istio-iptables": { summary: "init, by the name that Istio's injector uses", load: () => import("../init/cli.ts") },
  trace: {
    summary: "follow a connection through a Pod's capture rules",
    load: () => import("../init/trace/cli.ts"),
  },
} satisfies Subcommands;
