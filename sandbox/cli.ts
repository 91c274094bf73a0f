import { Command } from "commander";
import { applyCommand } from "./commands/apply.ts";
import { deleteCommand } from "./commands/delete.ts";
import { downCommand } from "./commands/down.ts";
import { execCommand } from "./commands/exec.ts";
import { logsCommand } from "./commands/logs.ts";
import { psCommand } from "./commands/ps.ts";
import { scaleCommand } from "./commands/scale.ts";
import { showCommand } from "./commands/show.ts";
import { upCommand } from "./commands/up.ts";

const examples = `
Examples:
  outrigger sandbox up -d -f examples/shop
  outrigger sandbox ps
  outrigger sandbox show front
  outrigger sandbox exec front -- curl -s http://catalog/
  outrigger sandbox scale front --replicas 2
  outrigger sandbox logs front -c istio-proxy
  outrigger sandbox down
`;

const commands = [
  upCommand,
  psCommand,
  showCommand,
  logsCommand,
  execCommand,
  scaleCommand,
  deleteCommand,
  applyCommand,
  downCommand,
];

/** `outrigger sandbox`: Pods on this machine, without a cluster. */
export function command(): Command {
  const sandbox = new Command("sandbox")
    .description(
      "Run the Pods of Kubernetes YAML on this machine, to try and test injection and capture without a cluster.",
    )
    .addHelpText("after", examples);
  for (const make of commands) {
    sandbox.addCommand(make());
  }
  return sandbox;
}
