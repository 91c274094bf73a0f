import { type Document, parseAllDocuments } from "yaml";
import type { ManifestText } from "../../host/manifest-files.ts";
import { OutriggerError, type Problem } from "../../mesh/errors.ts";
import type { JsonObject } from "../../mesh/pod.ts";
import { documentValue, yamlOptions } from "../../mesh/yaml.ts";

/** A Kubernetes object as it was written, and where. */
export interface SourcedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly value: JsonObject;
  /** `shop.yaml:12`: the file and line where the document starts. */
  readonly place: string;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value without its null fields, which Kubernetes takes as absent. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(fields.map(([key, field]) => [key, withoutNulls(field)]));
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

function flatten(value: JsonObject, place: string): SourcedObject[] {
  const { apiVersion, kind } = value;
  if (typeof apiVersion !== "string" || typeof kind !== "string") {
    const message = "is no Kubernetes object: it has no apiVersion and kind";
    throw new OutriggerError("BAD_OBJECT", [{ field: place, message }]);
  }
  if (!kind.endsWith("List") || !Array.isArray(value.items)) return [{ apiVersion, kind, value, place }];
  return value.items.flatMap((item, index) => {
    const itemPlace = `${place} items[${index}]`;
    if (isObject(item)) return flatten(item, itemPlace);
    throw new OutriggerError("BAD_OBJECT", [{ field: itemPlace, message: "is not an object" }]);
  });
}

function objectsOf(document: Document.Parsed, { name, text }: ManifestText): SourcedObject[] {
  const place = `${name}:${lineOf(text, document.contents?.range[0] ?? document.range[0])}`;
  const value = withoutNulls(documentValue(document, place, "BAD_OBJECT"));
  if (value === null || value === undefined) return [];
  if (!isObject(value)) throw new OutriggerError("BAD_OBJECT", [{ field: place, message: "is not an object" }]);
  return flatten(value, place);
}

/**
 * Reads the Kubernetes objects of YAML or JSON streams, the items of Lists one by one.
 * @throws OutriggerError BAD_OBJECT with every syntax error, or the first document that is no Kubernetes object
 */
export function parseObjects(texts: readonly ManifestText[]): SourcedObject[] {
  const parsed = texts.map((source) => ({
    source,
    documents: parseAllDocuments(source.text, yamlOptions) as Document.Parsed[],
  }));
  const problems: Problem[] = parsed.flatMap(({ source, documents }) =>
    documents.flatMap(({ errors }) =>
      errors.map((error) => ({ field: source.name, message: `is not YAML: ${error.message.split("\n")[0] ?? ""}` })),
    ),
  );
  if (problems.length > 0) throw new OutriggerError("BAD_OBJECT", problems);
  return parsed.flatMap(({ source, documents }) => documents.flatMap((document) => objectsOf(document, source)));
}
