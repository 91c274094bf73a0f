import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { Command } from "commander";
import { execa } from "execa";
import { OutriggerError } from "../../mesh/errors.ts";
import { askExec, askStatus, supervisorPid } from "../run/control-client.ts";
import { findPod } from "./find-pod.ts";
import { namespaceOption, withName } from "./options.ts";

interface Options {
  readonly name: string;
  readonly namespace?: string;
  readonly container?: string;
  readonly privileged: boolean;
}

const examples = `
Examples:
  outrigger sandbox exec web -- curl -s http://api/
  outrigger sandbox exec web -c istio-proxy -- curl -s http://127.0.0.1:15000/clusters
  outrigger sandbox exec web --privileged -- iptables -t nat -L -v -n
  outrigger sandbox exec -it web -- bash

POD is a Pod's name, or its workload's: web, deploy/web. The command runs in the container's namespaces, as its user and
with its capabilities; with --privileged as root with all of them. Its exit code is this command's.
`;

/** The command line that enters the sandbox, and then does `argv` as the supervisor would. */
export function enterSandbox(name: string, argv: readonly string[]): string[] {
  const pid = supervisorPid(name);
  const [first = ""] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
  if (first === "") {
    throw new OutriggerError("SANDBOX_FAILED", [{ field: `sandbox ${name}`, message: "is about to end" }]);
  }
  return ["nsenter", "--target", first, "--mount", "--pid", "--net", "--uts", "--ipc", "--", ...argv];
}

async function run(typed: string, command: readonly string[], options: Options): Promise<void> {
  const { name, container, privileged } = options;
  const { pods } = await askStatus(name);
  const pod = findPod(pods, typed, options.namespace);
  const request = { namespace: pod.namespace, pod: pod.name, container, command, privileged };
  const { argv } = await askExec(name, request);
  const [file = "", ...args] = enterSandbox(name, argv);
  // Ctrl-C goes to the command as well; what it makes of it decides.
  for (const signal of ["SIGINT", "SIGQUIT"] as const) process.on(signal, () => undefined);
  const result = await execa(file, args, { stdio: "inherit", reject: false, cwd: "/" });
  const signalled = result.signal === undefined ? 1 : 128 + constants.signals[result.signal];
  process.exitCode = result.exitCode ?? signalled;
}

/** `outrigger sandbox exec`: runs a command in a container. */
export function execCommand(): Command {
  return withName(new Command("exec"))
    .description("Run a command in a container of a sandbox.")
    .argument("<pod>", "a Pod, or a workload")
    .argument("<command...>", "the command and its arguments, after --")
    .option(...namespaceOption)
    .option("-c, --container <name>", "the container; default: the Pod's first, or the one its annotation names")
    .option("--privileged", "as root, with every capability", false)
    .option("-i, --stdin", "has no effect: standard input is always passed on")
    .option("-t, --tty", "has no effect: a terminal is always passed on")
    .addHelpText("after", examples)
    .action(run);
}
