import { type Document, parseDocument, type SchemaOptions } from "yaml";
import { type ErrorCode, OutriggerError } from "./errors.ts";

type Tags = Exclude<SchemaOptions["customTags"], ((tags: never) => unknown) | null | undefined>;

/** Tags of YAML 1.1 that Kubernetes' reader does not know: base 60 numbers, dates, and collections with an order. */
const unknownToKubernetes = /:(timestamp|omap|pairs|set|binary)$/;

/**
 * YAML as kubectl and the API server read it: version 1.1 without base 60 numbers and dates. Strings that we write are
 * quoted so that they read the same there.
 */
export const yamlOptions: { version: "1.1"; customTags: (tags: Tags) => Tags } = {
  version: "1.1",
  customTags: (tags) =>
    tags.filter((tag) => {
      if (typeof tag === "string") return true;
      return !(("format" in tag && tag.format === "TIME") || unknownToKubernetes.test(tag.tag));
    }),
};

/** The value of a document that has no syntax error. */
export function documentValue(document: Document.Parsed, source: string, code: ErrorCode): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new OutriggerError(code, [{ field: source, message: `is not YAML: ${(error as Error).message}` }]);
  }
}

/** A text that is no YAML at all has an error in every line; the first ones tell. */
const mostErrors = 10;

/** `line 3, column 7` */
function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/**
 * Reads one document of YAML or JSON.
 * @throws OutriggerError with the line and column of the first syntax errors
 */
export function readYaml(text: string, source: string, code: ErrorCode = "BAD_CONFIGURATION"): unknown {
  // The library's own places are worked out for every error, with a piece of the text.
  const document = parseDocument(text, { ...yamlOptions, prettyErrors: false });
  const problems = document.errors.slice(0, mostErrors).map(({ message, pos: [offset] }) => ({
    field: source,
    message: `is not YAML: ${message} at ${placeOf(text, offset)}`,
  }));
  if (problems.length > 0) throw new OutriggerError(code, problems);
  return documentValue(document, source, code);
}
