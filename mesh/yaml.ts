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

/**
 * Reads one document of YAML or JSON.
 * @throws OutriggerError with the line and column of each syntax error
 */
export function readYaml(text: string, source: string, code: ErrorCode = "BAD_CONFIGURATION"): unknown {
  const document = parseDocument(text, yamlOptions);
  const problems = document.errors.map((error) => ({
    field: source,
    message: `is not YAML: ${error.message.split("\n")[0] ?? ""}`,
  }));
  if (problems.length > 0) throw new OutriggerError(code, problems);
  return documentValue(document, source, code);
}
