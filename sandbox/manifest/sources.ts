import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { OutriggerError, type Problem } from "../../mesh/errors.ts";

/** One YAML or JSON stream, and the name to call it by in messages. */
export interface Source {
  readonly name: string;
  readonly text: string;
}

const manifestFile = /\.(ya?ml|json)$/;
const largestBytes = 16 * 1024 * 1024;

function filesAt(path: string): string[] {
  if (path === "-" || !statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => manifestFile.test(name));
  return names.sort().map((name) => join(path, name));
}

function read(path: string): Source {
  if (path !== "-" && statSync(path).size > largestBytes) throw new Error(`is larger than ${largestBytes} bytes`);
  return { name: path === "-" ? "standard input" : path, text: readFileSync(path === "-" ? 0 : path, "utf8") };
}

/**
 * Reads what `-f` names: files, folders (their .yaml, .yml and .json files, not deeper), `-` for standard input.
 * @throws OutriggerError BAD_FLAG with every path that cannot be read, or that is a folder without manifests
 */
export function readSources(paths: readonly string[]): Source[] {
  const problems: Problem[] = [];
  const sources = paths.flatMap((path) => {
    try {
      const files = filesAt(path);
      if (files.length > 0) return files.map(read);
      problems.push({ field: "--filename", value: path, message: "holds no .yaml, .yml or .json file" });
    } catch (error) {
      problems.push({ field: "--filename", value: path, message: `cannot be read: ${(error as Error).message}` });
    }
    return [];
  });
  if (problems.length > 0) throw new OutriggerError("BAD_FLAG", problems);
  return sources;
}
