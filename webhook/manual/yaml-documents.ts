import type { Document, ParsedNode, ToStringOptions } from "yaml";
import { isSeq, parseAllDocuments, Scalar, visit } from "yaml";
import type { Problem } from "../../mesh/errors.ts";
import { OutriggerError } from "../../mesh/errors.ts";
import { documentValue, yamlOptions } from "../../mesh/yaml.ts";
import type { PatchOperation } from "../patch.ts";
import { expandAliases } from "./yaml-aliases.ts";
import { layoutOf } from "./yaml-layout.ts";

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

function pointer(path: string): string[] {
  return path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

const likeNumber = /^[-+]?\.?\d[-+._:\da-fA-FxXoO]*$/;

/** A node for a new value. A string that looks like a number is quoted, since readers differ on what a number is. */
function newNode(document: YamlDocument["document"], value: unknown) {
  const node = document.createNode(value);
  visit(node, {
    Scalar: (_key, scalar) => {
      if (typeof scalar.value === "string" && likeNumber.test(scalar.value)) scalar.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return node;
}

function applyOperation(document: YamlDocument["document"], path: (string | number)[], operation: PatchOperation) {
  const keys: (string | number)[] = [...path, ...pointer(operation.path)];
  const last = keys.at(-1);
  const parent = document.getIn(keys.slice(0, -1), true);
  if (operation.op === "remove") {
    document.deleteIn(keys);
    return;
  }
  let node: unknown;
  if (operation.op === "move") {
    const from = [...path, ...pointer(operation.from)];
    node = document.getIn(from, true);
    document.deleteIn(from);
  } else {
    node = newNode(document, operation.value);
  }
  if (isSeq(parent) && operation.op !== "replace") parent.items.splice(Number(last), 0, node as ParsedNode);
  else document.setIn(keys, node);
}

/** The document's text after patches, each at the path of the object that it was made for. */
export function patchedText(
  { text, document, layout }: YamlDocument,
  patches: readonly { path: readonly (string | number)[]; operations: readonly PatchOperation[] }[],
): string {
  if (patches.every(({ operations }) => operations.length === 0)) return text;
  if (/[&*]/.test(text)) expandAliases(document);
  for (const { path, operations } of patches) {
    for (const operation of operations) applyOperation(document, [...path], operation);
  }
  if (isJson(text)) return `${JSON.stringify(document.toJS(), null, 2)}\n`;
  return document.toString(layout);
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
