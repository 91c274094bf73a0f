import type * as v from "valibot";

/**
 * A schema as a plain question. valibot builds a new value while it checks, and collects what is wrong; where a value
 * that is right is only looked at, as on the path of a request, the question alone is many times faster.
 */
export type Predicate = (value: unknown) => boolean;

type Schema = v.GenericSchema;
type Entries = Readonly<Record<string, Schema>>;
type Fields = Readonly<Record<string, unknown>>;

function looseObject(entries: Entries): Predicate {
  const fields = Object.entries(entries).map(([field, schema]) => [field, schemaPredicate(schema)] as const);
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    for (const [field, holds] of fields) if (!holds((value as Fields)[field])) return false;
    return true;
  };
}

function list(item: Schema): Predicate {
  const holds = schemaPredicate(item);
  return (value) => Array.isArray(value) && value.every(holds);
}

function record(item: Schema): Predicate {
  const holds = schemaPredicate(item);
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    for (const key of Object.keys(value)) if (!holds((value as Fields)[key])) return false;
    return true;
  };
}

/** The kinds of schema that can be asked; their parts as valibot keeps them. */
interface Parts {
  readonly entries: Entries;
  readonly item: Schema;
  readonly value: Schema;
  readonly wrapped: Schema;
  readonly options: readonly Schema[];
  readonly check: Predicate;
}

const builders: Readonly<Record<string, (parts: Parts) => Predicate>> = {
  string: () => (value) => typeof value === "string",
  number: () => (value) => typeof value === "number",
  boolean: () => (value) => typeof value === "boolean",
  custom: ({ check }) => check,
  array: ({ item }) => list(item),
  record: ({ value }) => record(value),
  loose_object: ({ entries }) => looseObject(entries),
  nullish: ({ wrapped }) => {
    const holds = schemaPredicate(wrapped);
    return (value) => value === undefined || value === null || holds(value);
  },
  union: ({ options }) => {
    const alternatives = options.map(schemaPredicate);
    return (value) => alternatives.some((holds) => holds(value));
  },
};

/**
 * Whether a value meets a schema, for sure: what a predicate lets pass, valibot does too. What it does not let pass is
 * left to valibot, which says what is wrong.
 * @throws TypeError for a kind of schema that is not known here
 */
export function schemaPredicate(schema: Schema): Predicate {
  const build = builders[schema.type];
  if (build === undefined) throw new TypeError(`no predicate is made of ${schema.type}`);
  return build(schema as unknown as Parts);
}
