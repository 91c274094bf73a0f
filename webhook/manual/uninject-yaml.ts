import { isObject } from "../../mesh/json.ts";
import type { JsonObject } from "../../mesh/pod.ts";
import { jsonPatch } from "../patch.ts";
import { readPod } from "../read-pod.ts";
import { uninject } from "./uninject.ts";
import { type PodTemplate, podTemplates, workloadOwner } from "./workload.ts";
import { patchedText, readYamlDocuments } from "./yaml-documents.ts";

/** A template that held nothing but what injection wrote into its metadata had none. */
function withoutEmptyMetadata(template: JsonObject, isPod: boolean): JsonObject {
  const { metadata, ...rest } = template;
  return !isPod && isObject(metadata) && Object.keys(metadata).length === 0 ? rest : template;
}

function uninjected({ template, owner }: PodTemplate): JsonObject {
  const pod = readPod(template);
  const before = uninject(pod, workloadOwner(owner));
  return before === pod ? (template as JsonObject) : withoutEmptyMetadata(before, owner.kind === "Pod");
}

/**
 * Takes the injection of every workload in a stream of YAML documents back. Documents without one go out as they came.
 * @param source names the text in error messages, such as a file
 * @throws OutriggerError BAD_OBJECT with what cannot be read
 */
export function uninjectYaml(text: string, source: string): string {
  const documents = readYamlDocuments(text, source);
  const texts = documents.map((document) =>
    patchedText(
      document,
      podTemplates(document.value).map((template) => ({
        path: template.path,
        operations: jsonPatch(template.template as JsonObject, uninjected(template)),
      })),
    ),
  );
  return texts.join("");
}
