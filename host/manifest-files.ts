import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { text as readStream } from "node:stream/consumers";
import { OutriggerError, type Problem } from "../mesh/errors.ts";

/** One YAML or JSON stream, and the name to call it by in messages. */
export interface ManifestText {
  readonly name: string;
  readonly text: string;
}

const manifestFile = /\.(ya?ml|json)$/;
const largestBytes = 16 * 1024 * 1024;

async function filesAt(path: string): Promise<string[]> {
  if (path === "-" || !(await stat(path)).isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => manifestFile.test(name));
  if (names.length === 0) throw new Error("it is a folder without .yaml, .yml or .json files");
  return names.sort().map((name) => join(path, name));
}

async function read(path: string): Promise<ManifestText> {
  if (path === "-") return { name: "standard input", text: await readStream(process.stdin) };
  if ((await stat(path)).size > largestBytes) throw new Error(`it is larger than ${largestBytes} bytes`);
  return { name: path, text: await readFile(path, "utf8") };
}

/**
 * Reads what `-f` names, as kubectl does: files, folders (their .yaml, .yml and .json files by name, not deeper), `-` for
 * standard input.
 * @throws OutriggerError BAD_FLAG with every path that cannot be read, or that is a folder without manifests
 */
export async function readManifestFiles(paths: readonly string[]): Promise<ManifestText[]> {
  const problems: Problem[] = [];
  const texts: ManifestText[] = [];
  for (const path of paths) {
    try {
      texts.push(...(await Promise.all((await filesAt(path)).map(read))));
    } catch (error) {
      problems.push({ field: "--filename", value: path, message: `cannot be read: ${(error as Error).message}` });
    }
  }
  if (problems.length > 0) throw new OutriggerError("BAD_FLAG", problems);
  return texts;
}
