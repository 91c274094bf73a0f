import { Command } from "commander";
import { agentCommand } from "./agent/cli.ts";
import { explainCommand } from "./explain.ts";

/** `outrigger cni`: capture from the node, for Pods that may not write rules themselves. */
export function command(): Command {
  return new Command("cni")
    .description("Write Pods' traffic rules from the node, so that no Pod needs NET_ADMIN.")
    .addCommand(agentCommand())
    .addCommand(explainCommand());
}
