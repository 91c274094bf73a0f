import * as v from "valibot";
import { annotations } from "../mesh/names.ts";
import type { JsonObject, Pod } from "../mesh/pod.ts";
import { checked } from "../mesh/schema-problems.ts";

const text = v.string("must be a text: quote it");
const id = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A field that may be absent, or null, which Kubernetes takes for absent. */
const optional = <const Schema extends v.GenericSchema>(schema: Schema) =>
  v.pipe(
    v.nullish(schema),
    v.transform((value) => value ?? undefined),
  );

const container = v.looseObject({
  name: optional(text),
  env: optional(v.array(v.looseObject({ name: text, value: optional(text) }))),
  securityContext: optional(v.looseObject({ runAsUser: optional(id), runAsGroup: optional(id) })),
});

const statusPort = v.pipe(
  text,
  v.check((port) => /^\d{1,5}$/.test(port) && Number(port) <= 65535, "is not a whole number from 0 to 65535"),
);
const podAnnotations = v.objectWithRest({ [annotations.statusPort]: v.optional(statusPort) }, text);

/** What capture reads of a Pod. Everything else may be anything. */
const pod = v.looseObject({
  metadata: optional(v.looseObject({ annotations: optional(podAnnotations) })),
  spec: v.looseObject({ containers: v.array(container), initContainers: optional(v.array(container)) }),
});

/**
 * Checks a Pod that somebody wrote.
 * @throws OutriggerError BAD_OBJECT with every field that capture reads and that is not what it must be
 */
export function checkPod(value: JsonObject, file: string): Pod {
  const { metadata, spec } = checked(pod, value, `${file}: `, "BAD_OBJECT");
  return { ...value, metadata: metadata ?? {}, spec } as Pod;
}
