import * as v from "valibot";
import { type ErrorCode, OutriggerError, type Problem } from "./errors.ts";

const longestValue = 200;

function pathOf(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map((item) => item.key) ?? [];
  return keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
}

function printedValue(input: unknown): string | undefined {
  if (input === undefined) return undefined;
  return (typeof input === "string" ? input : JSON.stringify(input)).slice(0, longestValue);
}

function messageOf(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === "never") return "is not a known field";
  if (issue.input === undefined) return "is missing";
  // valibot's own messages name its types; a message of ours is a sentence already.
  const own = !issue.message.startsWith("Invalid ");
  return own ? issue.message : `must be ${issue.expected ?? "something else"}`;
}

/** What valibot found, as problems; `root` is the path of the checked value itself, or ends with a blank to name it. */
export function schemaProblems(issues: readonly v.BaseIssue<unknown>[], root = ""): Problem[] {
  return issues.map((issue) => {
    const path = `${root}${pathOf(issue)}`.replace(/(^|\s)\./, "$1");
    const field = path === "" ? "(the whole object)" : path;
    const message = messageOf(issue);
    const value = issue.expected === "never" ? undefined : printedValue(issue.input);
    return value === undefined ? { field, message } : { field, value, message };
  });
}

/**
 * Checks a value against a schema and returns what the schema makes of it.
 * @throws OutriggerError with the path, below `root`, of every field that has the wrong form
 */
export function checked<const Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  root: string,
  code: ErrorCode = "BAD_CONFIGURATION",
): v.InferOutput<Schema> {
  // To valibot, a list is an object too.
  if (schema.type === "loose_object" && Array.isArray(value)) {
    throw new OutriggerError(code, [{ field: root || "(the whole object)", message: "must be an object, not a list" }]);
  }
  const result = v.safeParse(schema, value);
  if (!result.success) throw new OutriggerError(code, schemaProblems(result.issues, root));
  return result.output;
}
