import type * as v from "valibot";
import type { Problem } from "../../mesh/errors.ts";

const longestValue = 200;

function pathOf(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map((item) => item.key) ?? [];
  const text = keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text.replace(/^\./, "");
}

function printedValue(input: unknown): string {
  return (typeof input === "string" ? input : (JSON.stringify(input) ?? String(input))).slice(0, longestValue);
}

function messageOf({ message, expected, input }: v.BaseIssue<unknown>): string {
  if (input === undefined) return "is missing";
  return message.startsWith("Invalid ") ? `must be ${expected ?? "something else"}` : message;
}

/** What valibot found, as problems of the object called `subject`. */
export function schemaProblems(issues: readonly v.BaseIssue<unknown>[], subject: string): Problem[] {
  return issues.map((issue) => {
    const field = `${subject} ${pathOf(issue)}`.trimEnd();
    const message = messageOf(issue);
    return issue.input === undefined ? { field, message } : { field, value: printedValue(issue.input), message };
  });
}
