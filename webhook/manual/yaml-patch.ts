import type { Document, ParsedNode, YAMLMap, YAMLSeq } from "yaml";
import { isCollection, isMap, isScalar, isSeq, Scalar, visit } from "yaml";
import type { PatchOperation } from "../patch.ts";

type YamlTree = Document<ParsedNode, true>;
type Path = readonly (string | number)[];

function pointer(path: string): string[] {
  return path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

const likeNumber = /^[-+]?\.?\d[-+._:\da-fA-FxXoO]*$/;

/** A string that looks like a number is quoted, since readers differ on what a number is. */
function quoteLikeNumber(scalar: Scalar): void {
  if (typeof scalar.value === "string" && likeNumber.test(scalar.value)) scalar.type = Scalar.QUOTE_DOUBLE;
}

function newNode(document: YamlTree, value: unknown): ParsedNode {
  const node = document.createNode(value);
  visit(node, { Scalar: (_key, scalar) => quoteLikeNumber(scalar) });
  return node as ParsedNode;
}

/** Another value in the place of one: the comment beside it stays. */
function setScalar(scalar: Scalar, value: unknown): void {
  scalar.value = value;
  if (typeof value !== "string") delete scalar.type;
  quoteLikeNumber(scalar);
}

/** Where a field of a map stood that was taken away, and what stood there: its comment and braces go to the next. */
interface Vacancy {
  readonly index: number;
  readonly before: unknown;
}

/** What comes instead of a field, such as another kind of probe, goes where it stood. */
type Vacancies = Map<YAMLMap, Vacancy>;

function takeLooks(node: YAMLMap | YAMLSeq, { flow, comment, commentBefore, spaceBefore }: YAMLMap | YAMLSeq): void {
  Object.assign(node, { flow, comment, commentBefore, spaceBefore });
}

function remove(document: YamlTree, keys: Path, vacancies: Vacancies): void {
  const parent = document.getIn(keys.slice(0, -1), true);
  if (isMap(parent)) {
    const index = parent.items.findIndex(({ key }) => isScalar(key) && key.value === keys.at(-1));
    vacancies.set(parent, { index, before: parent.items[index]?.value });
  }
  document.deleteIn(keys);
}

function add(document: YamlTree, keys: Path, node: ParsedNode, vacancies: Vacancies): void {
  const parent = document.getIn(keys.slice(0, -1), true);
  const last = keys.at(-1);
  if (isSeq(parent)) {
    parent.items.splice(Number(last), 0, node);
    return;
  }
  const vacancy = isMap(parent) ? vacancies.get(parent) : undefined;
  if (isCollection(vacancy?.before) && isCollection(node)) takeLooks(node, vacancy.before);
  document.setIn(keys, node);
  if (!isMap(parent) || vacancy === undefined) return;
  parent.items.splice(vacancy.index, 0, ...parent.items.splice(-1));
  vacancies.delete(parent);
}

function replace(document: YamlTree, keys: Path, value: unknown): void {
  const present = document.getIn(keys, true);
  if (isScalar(present) && (typeof value !== "object" || value === null)) setScalar(present, value);
  else document.setIn(keys, newNode(document, value));
}

function move(document: YamlTree, from: Path, keys: Path, vacancies: Vacancies): void {
  const node = document.getIn(from, true) as ParsedNode;
  document.deleteIn(from);
  add(document, keys, node, vacancies);
}

/** Carries a JSON patch out on the part of a document at `path`. */
export function applyPatch(document: YamlTree, path: Path, operations: readonly PatchOperation[]): void {
  const vacancies: Vacancies = new Map();
  for (const operation of operations) {
    const keys = [...path, ...pointer(operation.path)];
    switch (operation.op) {
      case "remove":
        remove(document, keys, vacancies);
        break;
      case "add":
        add(document, keys, newNode(document, operation.value), vacancies);
        break;
      case "replace":
        replace(document, keys, operation.value);
        break;
      case "move":
        move(document, [...path, ...pointer(operation.from)], keys, vacancies);
        break;
    }
  }
}
