import type { Document, ParsedNode, YAMLMap } from "yaml";
import { isMap, isScalar, isSeq, visit } from "yaml";

/** Adds the pairs that the map's merge keys (`<<`) stand for, where the map has none of its own. */
function expandMergeKeys(map: YAMLMap): void {
  const merges = map.items.filter(({ key }) => isScalar(key) && key.source === "<<" && key.type === "PLAIN");
  if (merges.length === 0) return;
  map.items = map.items.filter((pair) => !merges.includes(pair));
  const sources = merges.flatMap(({ value }) => (isSeq(value) ? value.items : [value]));
  for (const pair of sources.filter(isMap).flatMap(({ items }) => items)) {
    if (!map.has(pair.key)) map.add(pair.clone());
  }
}

/** Puts copies in place of aliases and merge keys, so that changing one place of a document leaves the others alone. */
export function expandAliases(document: Document<ParsedNode, true>): void {
  visit(document, {
    Alias: (_key, alias) => alias.resolve(document)?.clone() as ParsedNode | undefined,
  });
  visit(document, {
    Map: (_key, map) => expandMergeKeys(map),
  });
  visit(document, {
    Value: (_key, node) => {
      delete node.anchor;
    },
  });
}
