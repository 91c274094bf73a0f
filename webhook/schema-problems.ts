import type * as v from "valibot";
import type { Problem } from "../mesh/errors.ts";

const longestValue = 200;

function fieldOf(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map((item) => item.key) ?? [];
  const text = keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text.replace(/^\./, "") || "(the whole object)";
}

function printedValue(input: unknown): string | undefined {
  if (input === undefined) return undefined;
  return (typeof input === "string" ? input : JSON.stringify(input)).slice(0, longestValue);
}

/** What valibot found, as problems with the path of each field. */
export function schemaProblems(issues: readonly v.BaseIssue<unknown>[]): Problem[] {
  return issues.map((issue) => {
    const value = printedValue(issue.input);
    const expected = issue.expected === null ? issue.message : `must be ${issue.expected}`;
    const message = issue.input === undefined ? "is missing" : expected;
    return value === undefined ? { field: fieldOf(issue), message } : { field: fieldOf(issue), value, message };
  });
}
