import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { OutriggerError } from "../mesh/errors.ts";

/** The arguments without `--network-namespace PATH`. */
function withoutNamespace(args: readonly string[]): string[] {
  const flag = "--network-namespace";
  return args.filter((arg, index) => arg !== flag && !arg.startsWith(`${flag}=`) && args[index - 1] !== flag);
}

/**
 * Runs this command again inside the network namespace, which nsenter enters, and ends with its exit code.
 * @throws OutriggerError BAD_CONFIGURATION or HOST_UNFIT
 */
export async function runInNamespace(path: string): Promise<void> {
  const field = "--network-namespace";
  if (!existsSync(path)) {
    const remedy = "give a file such as /run/netns/NAME or /proc/PID/ns/net";
    throw new OutriggerError("BAD_CONFIGURATION", [{ field, value: path, message: "is not there", remedy }]);
  }
  const { NETWORK_NAMESPACE: _entered, ...env } = process.env;
  const self = [
    process.execPath,
    ...process.execArgv,
    ...process.argv.slice(1, 2),
    ...withoutNamespace(process.argv.slice(2)),
  ];
  const child = spawn("nsenter", [`--net=${path}`, "--", ...self], { stdio: "inherit", env });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", () => {
      const problem = { field: "nsenter", message: "is not installed", remedy: "install util-linux" };
      reject(new OutriggerError("HOST_UNFIT", [problem]));
    });
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
