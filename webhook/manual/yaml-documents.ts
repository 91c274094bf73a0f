import { isDeepStrictEqual } from "node:util";
import type { Document, ParsedNode, ToStringOptions } from "yaml";
import { parseAllDocuments } from "yaml";
import type { Problem } from "../../mesh/errors.ts";
import { OutriggerError } from "../../mesh/errors.ts";
import { documentValue, yamlOptions } from "../../mesh/yaml.ts";
import type { PatchOperation } from "../patch.ts";
import { withLayoutOf } from "./keep-layout.ts";
import { expandAliases } from "./yaml-aliases.ts";
import { layoutOf } from "./yaml-layout.ts";
import { applyPatch } from "./yaml-patch.ts";

/** One document of a YAML stream, with its own text so that it can go out again as it came. */
export interface YamlDocument {
  readonly text: string;
  readonly value: unknown;
  readonly document: Document<ParsedNode, true>;
  readonly layout: ToStringOptions;
}

/**
 * Reads a stream of YAML (or JSON) documents.
 * @throws OutriggerError BAD_OBJECT with the line and column of each syntax error
 */
export function readYamlDocuments(text: string, source: string): YamlDocument[] {
  const documents = parseAllDocuments(text, yamlOptions) as Document.Parsed[];
  const problems: Problem[] = documents.flatMap(({ errors }) =>
    errors.map((error) => ({ field: source, message: `is not YAML: ${error.message.split("\n")[0] ?? ""}` })),
  );
  if (problems.length > 0) throw new OutriggerError("BAD_OBJECT", problems);
  let start = 0;
  return documents.map((document, index) => {
    const end = index === documents.length - 1 ? text.length : (document.range[2] ?? text.length);
    const own = text.slice(start, end);
    start = end;
    return {
      text: own,
      value: documentValue(document, source, "BAD_OBJECT"),
      layout: layoutOf(document, text),
      document: document as unknown as YamlDocument["document"],
    };
  });
}

/** The document's text after patches, each at the path of the object that it was made for. */
export function patchedText(
  { text, document, layout }: YamlDocument,
  patches: readonly { path: readonly (string | number)[]; operations: readonly PatchOperation[] }[],
): string {
  if (patches.every(({ operations }) => operations.length === 0)) return text;
  if (/[&*]/.test(text)) expandAliases(document);
  for (const { path, operations } of patches) applyPatch(document, path, operations);
  if (isJson(text)) return `${JSON.stringify(document.toJS(), null, 2)}\n`;
  return laidOut(text, document.toString(layout));
}

/** What the documents of a text say, or undefined if it is not YAML. */
function meaning(text: string): unknown[] | undefined {
  const documents = parseAllDocuments(text, yamlOptions) as Document.Parsed[];
  return documents.some(({ errors }) => errors.length > 0) ? undefined : documents.map((one) => one.toJS());
}

/** The changed text, with the original's own lines where that changes nothing of what it says. */
function laidOut(original: string, changed: string): string {
  const restored = withLayoutOf(original, changed);
  return isDeepStrictEqual(meaning(restored), meaning(changed)) ? restored : changed;
}

function isJson(text: string): boolean {
  if (!text.trimStart().startsWith("{")) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Joins streams into one, each starting with a document of its own. */
export function joinStreams(texts: readonly string[]): string {
  return texts.reduce((joined, text) => {
    const line = joined === "" || joined.endsWith("\n") ? joined : `${joined}\n`;
    return line === "" || text.startsWith("---") ? line + text : `${line}---\n${text}`;
  }, "");
}
