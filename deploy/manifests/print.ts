import { stringify } from "yaml";
import type { KubernetesObject } from "../cluster/api.ts";

const fieldOrder = ["apiVersion", "kind", "metadata", "name", "namespace"];

/** The usual order at an object's head, whatever order the builder wrote; the rest stays as it was. */
function ordered(object: KubernetesObject): KubernetesObject {
  const known = fieldOrder.filter((field) => field in object);
  const fields = [...known, ...Object.keys(object).filter((field) => !known.includes(field))];
  return Object.fromEntries(fields.map((field) => [field, object[field]])) as KubernetesObject;
}

/** One YAML document an object. YAML 1.1 readers must not see a boolean or a number in a string, so both are quoted. */
export function printManifests(objects: readonly KubernetesObject[]): string {
  const documents = objects.map((object) =>
    stringify(ordered(object), { version: "1.1", aliasDuplicateObjects: false, lineWidth: 0 }),
  );
  return documents.join("---\n");
}
