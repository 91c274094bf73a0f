import { OutriggerError, type Problem } from "../../mesh/errors.ts";
import { isObject } from "../../mesh/json.ts";
import type { JsonObject } from "../../mesh/pod.ts";
import { type Admission, admit } from "../admit.ts";
import type { ClusterFacts } from "../cluster-facts.ts";
import type { InjectionSettings } from "../settings.ts";
import { type PodTemplate, podTemplates, workloadOwner } from "./workload.ts";
import { patchedText, readYamlDocuments, type YamlDocument } from "./yaml-documents.ts";

/** What happened to one workload. */
export interface Outcome {
  /** `Deployment/till`. */
  readonly workload: string;
  readonly admission: Admission & { readonly allowed: true };
}

export interface InjectedYaml {
  readonly text: string;
  readonly outcomes: readonly Outcome[];
}

function nameOf(owner: JsonObject): string {
  const metadata = isObject(owner.metadata) ? owner.metadata : {};
  return `${String(owner.kind)}/${String(metadata.name ?? metadata.generateName ?? "(no name)")}`;
}

function namespaceOf(owner: JsonObject, fallback: string): string {
  const metadata = isObject(owner.metadata) ? owner.metadata : {};
  return String(metadata.namespace ?? fallback);
}

interface Injected {
  readonly template: PodTemplate;
  readonly workload: string;
  readonly admission: Admission;
}

function injectTemplates({ value }: YamlDocument, options: ManualOptions, settings: InjectionSettings): Injected[] {
  return podTemplates(value).map((template) => {
    const namespace = namespaceOf(template.owner, options.namespace);
    const owner = workloadOwner(template.owner);
    const request = { namespace, object: template.template, ...(owner && { owner }) };
    return { template, workload: nameOf(template.owner), admission: admit(request, settings, options.facts) };
  });
}

function denials(injected: readonly Injected[]): Problem[] {
  return injected.flatMap(({ workload, admission }) =>
    admission.allowed
      ? []
      : admission.problems.map((problem) => ({ ...problem, field: `${workload} ${problem.field}` })),
  );
}

/** What is neither empty nor a mapping is no Kubernetes object: a wrong file, most likely. */
function strangers(documents: readonly YamlDocument[], source: string): Problem[] {
  return documents.flatMap(({ value }, index) =>
    value === null || value === undefined || isObject(value)
      ? []
      : [
          {
            field: documents.length === 1 ? source : `${source}, document ${index + 1}`,
            message: "is no Kubernetes object",
            remedy: "give YAML with apiVersion and kind",
          },
        ],
  );
}

export interface ManualOptions {
  /** Names the text in error messages, such as a file. */
  readonly source: string;
  /** The namespace of objects that name none. */
  readonly namespace: string;
  readonly facts?: ClusterFacts;
}

/**
 * Injects every workload of a stream of YAML documents. Documents without one, and workloads that are not injected, go
 * out as they came; the others keep their comments.
 * @throws OutriggerError BAD_OBJECT with everything that is wrong in any document
 */
export function injectYaml(text: string, options: ManualOptions, settings: InjectionSettings): InjectedYaml {
  const documents = readYamlDocuments(text, options.source);
  const injected = documents.map((document) => injectTemplates(document, options, settings));
  const problems = [...strangers(documents, options.source), ...denials(injected.flat())];
  if (problems.length > 0) throw new OutriggerError("BAD_OBJECT", problems);
  const allowed = injected.map((list) => list.filter(isAllowed));
  const texts = documents.map((document, index) =>
    patchedText(
      document,
      (allowed[index] ?? []).map(({ template, admission }) => ({ path: template.path, operations: admission.patch })),
    ),
  );
  return { text: texts.join(""), outcomes: allowed.flat() };
}

function isAllowed(injected: Injected): injected is Injected & Outcome {
  return injected.admission.allowed;
}
