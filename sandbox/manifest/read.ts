import * as v from "valibot";
import { OutriggerError, type Problem } from "../../mesh/errors.ts";
import type { JsonObject } from "../../mesh/pod.ts";
import { schemaProblems } from "../../mesh/schema-problems.ts";
import { type KnownKind, type Parsed, schemas } from "./kinds.ts";
import type { Manifest } from "./manifest.ts";
import type { SourcedObject } from "./yaml.ts";

type Reader<Kind extends KnownKind> = (parsed: Parsed<Kind>, raw: JsonObject, namespace: string) => Partial<Manifest>;

function encoded(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")]));
}

function templateOf(raw: JsonObject): JsonObject {
  return (raw.spec as { template: JsonObject }).template;
}

const replicated =
  (kind: "Deployment" | "ReplicaSet") =>
  ({ metadata: { name }, spec }: Parsed<"apps/v1/Deployment">, raw: JsonObject, namespace: string) => ({
    workloads: [{ kind, name, namespace, replicas: spec.replicas, template: templateOf(raw) }],
  });

const statefulSet: Reader<"apps/v1/StatefulSet"> = ({ metadata: { name }, spec }, raw, namespace) => ({
  workloads: [
    {
      kind: "StatefulSet",
      name,
      namespace,
      template: templateOf(raw),
      replicas: spec.replicas,
      serviceName: spec.serviceName,
      ordered: spec.podManagementPolicy === "OrderedReady",
      claims: spec.volumeClaimTemplates.map((claim) => claim.metadata.name),
    },
  ],
});

const job: Reader<"batch/v1/Job"> = ({ metadata: { name }, spec }, raw, namespace) => ({
  workloads: [
    {
      kind: "Job",
      name,
      namespace,
      template: templateOf(raw),
      completions: spec.completions ?? spec.parallelism,
      parallelism: spec.parallelism,
      indexed: spec.completionMode === "Indexed",
      backoffLimit: spec.backoffLimit,
    },
  ],
});

function peerAuthentication(
  { metadata: { name }, spec }: Parsed<"security.istio.io/v1/PeerAuthentication">,
  _raw: JsonObject,
  namespace: string,
): Partial<Manifest> {
  return { policies: [{ kind: "PeerAuthentication", metadata: { name, namespace }, spec }] };
}

const readers: { readonly [Kind in KnownKind]: Reader<Kind> } = {
  "v1/Namespace": ({ metadata }) => ({ namespaces: [metadata] }),
  "v1/Pod": ({ metadata: { name } }, template, namespace) => ({
    workloads: [{ kind: "Pod", name, namespace, template }],
  }),
  "apps/v1/Deployment": replicated("Deployment"),
  "apps/v1/ReplicaSet": replicated("ReplicaSet"),
  "apps/v1/DaemonSet": ({ metadata: { name } }, raw, namespace) => ({
    workloads: [{ kind: "DaemonSet", name, namespace, template: templateOf(raw) }],
  }),
  "apps/v1/StatefulSet": statefulSet,
  "batch/v1/Job": job,
  "v1/Service": ({ metadata: { name }, spec }, _raw, namespace) => ({ services: [{ name, namespace, spec }] }),
  "v1/ConfigMap": ({ metadata: { name }, data, binaryData }, _raw, namespace) => ({
    configMaps: [{ name, namespace, data: { ...binaryData, ...encoded(data) } }],
  }),
  "v1/Secret": ({ metadata: { name }, data, stringData }, _raw, namespace) => ({
    secrets: [{ name, namespace, data: { ...data, ...encoded(stringData) } }],
  }),
  "v1/ServiceAccount": ({ metadata: { name }, automountServiceAccountToken = true }, _raw, namespace) => ({
    serviceAccounts: [{ name, namespace, automountToken: automountServiceAccountToken }],
  }),
  "security.istio.io/v1/PeerAuthentication": peerAuthentication,
  "security.istio.io/v1beta1/PeerAuthentication": peerAuthentication,
};

function metadataOf({ value }: SourcedObject): { name: string; namespace: string | undefined } {
  const { name, namespace } = (value.metadata ?? {}) as { name?: unknown; namespace?: unknown };
  return {
    name: typeof name === "string" ? name : "(no name)",
    namespace: typeof namespace === "string" ? namespace : undefined,
  };
}

function isKnown(kind: string): kind is KnownKind {
  return Object.hasOwn(schemas, kind);
}

type ReadObject = { readonly part: Partial<Manifest> } | { readonly problems: readonly Problem[] };

function readKnown<Kind extends KnownKind>(kind: Kind, object: SourcedObject, defaultNamespace: string): ReadObject {
  const { name, namespace = defaultNamespace } = metadataOf(object);
  const schema: v.GenericSchema<unknown, Parsed<Kind>> = schemas[kind] as never;
  const result = v.safeParse(schema, object.value);
  if (!result.success) return { problems: schemaProblems(result.issues, `${object.place} ${object.kind} ${name}: `) };
  return { part: readers[kind](result.output, object.value, namespace) };
}

function readObject(object: SourcedObject, defaultNamespace: string): ReadObject {
  const kind = `${object.apiVersion}/${object.kind}`;
  if (isKnown(kind)) return readKnown(kind, object, defaultNamespace);
  return { part: { ignored: [{ kind: object.kind, name: metadataOf(object).name }] } };
}

/** The objects that were given before, under the same kind, namespace and name. */
function duplicateProblems(objects: readonly SourcedObject[], defaultNamespace: string): Problem[] {
  const seen = new Map<string, SourcedObject>();
  return objects.flatMap((object) => {
    const { name, namespace = defaultNamespace } = metadataOf(object);
    const identity = [object.kind, namespace, name].join(" ");
    const first = seen.get(identity);
    seen.set(identity, object);
    if (first === undefined) return [];
    return [{ field: object.place, message: `${object.kind} ${name} was given already at ${first.place}` }];
  });
}

/**
 * Sorts objects into what the sandbox brings up.
 * @throws OutriggerError BAD_OBJECT with every field of every object that has the wrong form, and every duplicate
 */
export function readManifest(objects: readonly SourcedObject[], defaultNamespace: string): Manifest {
  const read = objects.map((object) => readObject(object, defaultNamespace));
  const problems = read.flatMap((one) => ("problems" in one ? one.problems : []));
  if (problems.length === 0) problems.push(...duplicateProblems(objects, defaultNamespace));
  if (problems.length > 0) throw new OutriggerError("BAD_OBJECT", problems);
  const parts = read.flatMap((one) => ("part" in one ? [one.part] : []));
  return {
    namespaces: parts.flatMap((part) => part.namespaces ?? []),
    workloads: parts.flatMap((part) => part.workloads ?? []),
    services: parts.flatMap((part) => part.services ?? []),
    configMaps: parts.flatMap((part) => part.configMaps ?? []),
    secrets: parts.flatMap((part) => part.secrets ?? []),
    serviceAccounts: parts.flatMap((part) => part.serviceAccounts ?? []),
    policies: parts.flatMap((part) => part.policies ?? []),
    ignored: parts.flatMap((part) => part.ignored ?? []),
  };
}
