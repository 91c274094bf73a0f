import * as v from "valibot";
import { OutriggerError } from "../../mesh/errors.ts";
import { annotations } from "../../mesh/names.ts";
import type { JsonObject, Pod } from "../../mesh/pod.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";
import { checked } from "../../mesh/schema-problems.ts";

/** The problem field of an annotation: `metadata.annotations["…"]`. */
export function annotationField(name: string): string {
  return `metadata.annotations["${name}"]`;
}

/**
 * Reads an annotation that holds JSON; undefined if it is not set.
 * @throws OutriggerError BAD_OBJECT if the text is not JSON or has the wrong form
 */
function readJson<const Schema extends v.GenericSchema>(
  pod: Pod,
  name: string,
  schema: Schema,
): v.InferOutput<Schema> | undefined {
  const text = annotationOf(pod, name);
  if (text === undefined) return undefined;
  const field = annotationField(name);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const message = `is not JSON: ${(error as Error).message}`;
    throw new OutriggerError("BAD_OBJECT", [{ field, value: text.slice(0, 200), message }], { cause: error });
  }
  return checked(schema, value, field, "BAD_OBJECT");
}

const objects = v.record(v.string(), v.record(v.string(), v.unknown()));
const mounts = v.record(v.string(), v.looseObject({ mountPath: v.string() }));
const texts = v.record(v.string(), v.pipe(v.union([v.string(), v.number(), v.boolean()]), v.transform(String)));

/** Sources of the user's own volumes for istio-proxy, by the volume's name. */
export function userVolumes(pod: Pod): Readonly<Record<string, JsonObject>> {
  return readJson(pod, annotations.userVolume, objects) ?? {};
}

/** Where istio-proxy mounts volumes of the user's, by the volume's name. */
export function userVolumeMounts(pod: Pod): Readonly<Record<string, JsonObject & { mountPath: string }>> {
  return readJson(pod, annotations.userVolumeMount, mounts) ?? {};
}

/** Environment that Datadog's tracer wants. */
export function datadogEnv(pod: Pod): Readonly<Record<string, string>> {
  return readJson(pod, "apm.datadoghq.com/env", texts) ?? {};
}
