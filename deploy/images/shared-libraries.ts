import { execa } from "execa";

/** `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)` or `/lib64/ld-linux-x86-64.so.2 (0x…)` */
const line = /^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/;

/** Every library that the programs load at their start, the loader included, as the paths the loader will look at. */
export async function sharedLibraries(programs: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const program of programs) {
    const { stdout, exitCode } = await execa("ldd", [program], { reject: false });
    if (exitCode !== 0) continue; // a static program
    for (const text of stdout.split("\n")) {
      if (/not found/.test(text)) throw new Error(`${program}: ${text.trim()}`);
      const path = line.exec(text)?.[1];
      if (path !== undefined) found.add(path);
    }
  }
  return [...found].sort();
}
