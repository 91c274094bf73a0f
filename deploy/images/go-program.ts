import { join } from "node:path";
import { execa } from "execa";

const script = join(import.meta.dirname, "..", "..", "tools", "go-program.sh");

/** The path of a program of this checkout that is written in Go, built where it was not yet. */
export async function goProgram(folder: string, name: string): Promise<string> {
  const { stdout } = await execa(script, [folder, name]);
  return stdout.trim();
}
