import { execFileSync } from "node:child_process";
import { join } from "node:path";

const script = join(import.meta.dirname, "../../../tools/go-program.sh");

function goProgram(folder: string, name: string): string {
  return execFileSync(script, [folder, name], { encoding: "utf8" }).trim();
}

/** The plugin's executable. */
export const pluginProgram = () => goProgram("cni/plugin", "outrigger-cni");
/** What the agent enters namespaces by. */
export const enterProgram = () => goProgram("cni/enter", "outrigger-enter");
/** The runtimes' library as a command. */
export const libcniProgram = () => goProgram("test/sandbox/libcni", "libcni");
