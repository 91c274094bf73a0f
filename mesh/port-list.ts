import type { Problem } from "./errors.ts";
import { isPort } from "./ports.ts";

const remedy = "use whole numbers from 1 to 65535, separated by commas";

/** Splits a comma list, dropping white space and empty items. */
export function splitList(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** What is wrong with one port, or nothing. */
export function portProblem(field: string, value: string): Problem | undefined {
  if (/^\d{1,5}$/.test(value) && isPort(Number(value))) return undefined;
  return { field, value, message: "is not a port", remedy };
}

/** Reads a comma list of ports; problems are added to `problems`. */
export function parsePorts(field: string, text: string, problems: Problem[]): string[] {
  const items = splitList(text);
  for (const item of items) {
    const problem = portProblem(field, item);
    if (problem !== undefined) problems.push(problem);
  }
  return items;
}
