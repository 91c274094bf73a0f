import { stringify } from "yaml";
import type { KubernetesObject } from "../cluster/api.ts";

/** What the API server writes and nobody wants to compare. */
const serverFields = ["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp"];

/** An object as text, without its status and what the API server keeps of it: the part that people set. */
export function comparable(object: KubernetesObject): string {
  const { status: _, ...rest } = object;
  const metadata = Object.fromEntries(
    Object.entries(object.metadata).filter(([field]) => !serverFields.includes(field)),
  );
  return stringify({ ...rest, metadata }, { sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false });
}
