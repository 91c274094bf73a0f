import { join } from "node:path";
import { execa } from "execa";
import type { CniPrograms } from "./images.ts";

const script = join(import.meta.dirname, "..", "..", "tools", "go-program.sh");

/** The path of a program of this checkout that is written in Go, built where it was not yet. */
async function goProgram(folder: string, name: string): Promise<string> {
  const { stdout } = await execa(script, [folder, name]);
  return stdout.trim();
}

/** The programs of the node agent's image. */
export async function cniPrograms(): Promise<CniPrograms> {
  return {
    plugin: await goProgram("cni/plugin", "outrigger-cni"),
    enter: await goProgram("cni/enter", "outrigger-enter"),
  };
}
