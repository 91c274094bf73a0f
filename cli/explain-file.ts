import { readManifestFiles } from "../host/manifest-files.ts";
import { admissionEntries } from "../mesh/admission-entries.ts";
import { OutriggerError } from "../mesh/errors.ts";
import { isObject } from "../mesh/json.ts";
import type { JsonObject, Labels } from "../mesh/pod.ts";
import type { Rulebook, Subject } from "../webhook/explain/subject.ts";
import { factsFromFlags, type InjectionFlags, settingsFromFlags } from "../webhook/injection-flags.ts";
import { podTemplates, workloadOwner } from "../webhook/manual/workload.ts";
import { readYamlDocuments } from "../webhook/manual/yaml-documents.ts";

export interface FileOptions extends InjectionFlags {
  readonly filename: string[];
  readonly namespace?: string;
  readonly namespaceLabels?: Labels;
}

function metadataOf(object: JsonObject): JsonObject {
  return isObject(object.metadata) ? object.metadata : {};
}

/** The labels of the Namespaces among the objects. */
function namespaceLabels(objects: readonly unknown[]): Map<string, Labels> {
  const namespaces = objects.filter((object): object is JsonObject => isObject(object) && object.kind === "Namespace");
  return new Map(
    namespaces.map((namespace) => {
      const { name, labels } = metadataOf(namespace);
      return [String(name), isObject(labels) ? (labels as Labels) : {}];
    }),
  );
}

/** The workloads in files, each with its namespace as the files or the flags know it. */
export async function subjectsInFiles(options: FileOptions): Promise<Subject[]> {
  const files = await readManifestFiles(options.filename);
  const objects = files.flatMap(({ name, text }) => readYamlDocuments(text, name).map(({ value }) => value));
  const known = namespaceLabels(objects);
  const subjects = objects
    .flatMap((object) => podTemplates(object))
    .map(({ owner, template }): Subject => {
      const metadata = metadataOf(owner);
      const name = String(metadata.namespace ?? options.namespace ?? "default");
      const labels = known.get(name) ?? options.namespaceLabels ?? {};
      const workload = `${String(owner.kind)}/${String(metadata.name ?? metadata.generateName ?? "(no name)")}`;
      const byWorkload = workloadOwner(owner);
      return { workload, namespace: { name, labels }, object: template, ...(byWorkload && { owner: byWorkload }) };
    });
  if (subjects.length > 0) return subjects;
  const message = "holds no Pod and no workload with a Pod template";
  throw new OutriggerError("BAD_OBJECT", [{ field: options.filename.join(", "), message }]);
}

/** What decides without a cluster: the entries of the revision, and the configuration of the flags. */
export async function rulebookOfFlags(options: InjectionFlags): Promise<Rulebook> {
  const settings = await settingsFromFlags(options);
  const { revision } = settings;
  const entries = admissionEntries({ revision, isDefault: revision === "default" });
  return { settings, facts: factsFromFlags(options), entries };
}
