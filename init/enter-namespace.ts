import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { OutriggerError } from "../mesh/errors.ts";

/** The arguments without a flag that takes a value, in whose place another may stand. */
function replaceFlag(args: readonly string[], flag: string, by: readonly string[]): string[] {
  return args.flatMap((arg, index) => {
    if (arg === flag || arg.startsWith(`${flag}=`)) return by;
    return args[index - 1] === flag ? [] : [arg];
  });
}

/**
 * Runs this command again inside the network namespace, which nsenter enters, and ends with its exit code. The flag that
 * named the namespace is left out, or replaced.
 *
 * @throws OutriggerError BAD_CONFIGURATION or HOST_UNFIT
 */
export async function runInNamespace(
  path: string,
  flag = "--network-namespace",
  by: readonly string[] = [],
): Promise<void> {
  if (!existsSync(path)) {
    const remedy = "give a file such as /run/netns/NAME or /proc/PID/ns/net";
    throw new OutriggerError("BAD_CONFIGURATION", [{ field: flag, value: path, message: "is not there", remedy }]);
  }
  const { NETWORK_NAMESPACE: _entered, ...env } = process.env;
  const [script = "", ...args] = process.argv.slice(1);
  const self = [process.execPath, ...process.execArgv, script, ...replaceFlag(args, flag, by)];
  const child = spawn("nsenter", [`--net=${path}`, "--", ...self], { stdio: "inherit", env });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", () => {
      const problem = { field: "nsenter", message: "is not installed", remedy: "install util-linux" };
      reject(new OutriggerError("HOST_UNFIT", [problem]));
    });
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
