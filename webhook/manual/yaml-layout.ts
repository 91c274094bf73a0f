import { type Document, isCollection, isMap, isNode, isSeq, type ToStringOptions, visit } from "yaml";

/** The column of an offset, from 0. */
function column(source: string, offset: number): number {
  return offset - source.lastIndexOf("\n", offset - 1) - 1;
}

/** How much deeper a pair's block list or block map stands than its key. */
function depthBelow(source: string, key: unknown, value: unknown): number | undefined {
  if (!isNode(key) || !isCollection(value) || value.flow === true || !key.range || !value.range) return undefined;
  return column(source, value.range[0]) - column(source, key.range[0]);
}

/** Whether the first `{in: braces}` that is not empty has space within the braces. */
function padsFlow(document: Document.Parsed, source: string): boolean {
  let padded = false;
  visit(document, {
    Collection: (_key, { flow, items, range }) => {
      if (flow !== true || items.length === 0 || !range) return undefined;
      padded = source[range[0] + 1] === " ";
      return visit.BREAK;
    },
  });
  return padded;
}

/** How a document was laid out, so that it still looks like itself after a change. */
export function layoutOf(document: Document.Parsed, source: string): ToStringOptions {
  let indent: number | undefined;
  let listIndent: number | undefined;
  visit(document, {
    Pair: (_key, { key, value }) => {
      const depth = depthBelow(source, key, value);
      if (isMap(value)) indent ??= depth;
      if (isSeq(value)) listIndent ??= depth;
      return indent !== undefined && listIndent !== undefined ? visit.BREAK : undefined;
    },
  });
  return {
    lineWidth: 0,
    indent: Math.max(indent ?? 2, 1),
    indentSeq: (listIndent ?? 0) > 0,
    flowCollectionPadding: padsFlow(document, source),
  };
}
