import { type Privileges, setprivFlags } from "./privileges.ts";

/** A command as it runs inside a container. */
export interface InnerCommand {
  readonly argv: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly privileges: Privileges;
}

function variables(environment: ReadonlyMap<string, string>): string[] {
  return [...environment].map(([name, value]) => `${name}=${value}`);
}

/** The environment and the privileges go through arguments, since a shell on the way would drop names with dots. */
function privileged({ argv, environment, privileges }: InnerCommand, options: readonly string[]): string[] {
  return ["setpriv", ...setprivFlags(privileges), "env", "-i", ...options, ...variables(environment), ...argv];
}

/** Starts a container: the Pod's namespaces, then new ones of its own, then launch.sh, then the program. */
export function launchArguments(
  holderPid: number,
  script: { readonly path: string; readonly directory: string; readonly workingDirectory: string },
  command: InnerCommand,
): string[] {
  const [program = ""] = command.argv;
  return [
    ...["nsenter", "--target", String(holderPid), "--net", "--uts", "--ipc", "--"],
    ...["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--"],
    ...["/bin/sh", script.path, script.directory, script.workingDirectory],
    ...[command.environment.get("PATH") ?? "", program],
    ...privileged(command, []),
  ];
}

/** Runs a command inside a container whose first process is `initPid`. */
export function enterArguments(initPid: number, workingDirectory: string, command: InnerCommand): string[] {
  return [
    ...["nsenter", "--target", String(initPid), "--mount", "--pid", "--net", "--uts", "--ipc", "--"],
    ...privileged(command, [`--chdir=${workingDirectory}`]),
  ];
}
