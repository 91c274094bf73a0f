import type { KeyedData } from "../manifest/manifest.ts";
import type { ContainerSpec, EnvSourceSpec } from "../pod/container-schema.ts";
import { expand } from "./expansion.ts";
import { fieldValue, type PodFacts, resourceValue } from "./field-reference.ts";

/** What a container can be given by reference. */
export interface References {
  readonly configMaps: readonly KeyedData[];
  readonly secrets: readonly KeyedData[];
}

/** A container that cannot be made from what its Pod says; the kubelet's reason and message. */
export class ContainerConfigError extends Error {
  readonly reason: string;

  constructor(message: string, reason = "CreateContainerConfigError") {
    super(message);
    this.name = "ContainerConfigError";
    this.reason = reason;
  }
}

export function decode(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}

/** The named ConfigMap or Secret; undefined when it is optional and not there. */
export function findKeyed(
  all: readonly KeyedData[],
  kind: "configmap" | "secret",
  { name, optional }: { readonly name: string; readonly optional: boolean },
  namespace: string,
): KeyedData | undefined {
  const found = all.find((one) => one.name === name && one.namespace === namespace);
  if (found === undefined && !optional) throw new ContainerConfigError(`${kind} "${name}" not found`);
  return found;
}

type KeyReference = { readonly name: string; readonly key: string; readonly optional: boolean };

function keyValue(all: readonly KeyedData[], kind: "configmap" | "secret", reference: KeyReference, namespace: string) {
  const found = findKeyed(all, kind, reference, namespace);
  const value = found?.data[reference.key];
  if (value !== undefined) return decode(value);
  if (reference.optional) return undefined;
  throw new ContainerConfigError(`couldn't find key ${reference.key} in ${kind} ${namespace}/${reference.name}`);
}

function referencedValue(source: EnvSourceSpec, container: string, facts: PodFacts, references: References) {
  const { namespace } = facts.pod.metadata;
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source;
  if (configMapKeyRef !== undefined) return keyValue(references.configMaps, "configmap", configMapKeyRef, namespace);
  if (secretKeyRef !== undefined) return keyValue(references.secrets, "secret", secretKeyRef, namespace);
  if (fieldRef !== undefined) {
    const value = fieldValue(fieldRef.fieldPath, facts);
    if (value !== undefined) return value;
    throw new ContainerConfigError(`fieldPath "${fieldRef.fieldPath}" is not supported`);
  }
  if (resourceFieldRef === undefined) throw new ContainerConfigError("valueFrom names no source");
  const value = resourceValue(resourceFieldRef, container, facts);
  if (value !== undefined) return value;
  throw new ContainerConfigError(`resourceFieldRef "${resourceFieldRef.resource}" cannot be resolved`);
}

function addAll(variables: Map<string, string>, { envFrom }: ContainerSpec, references: References, namespace: string) {
  for (const { prefix, configMapRef, secretRef } of envFrom) {
    const found = [
      configMapRef && findKeyed(references.configMaps, "configmap", configMapRef, namespace),
      secretRef && findKeyed(references.secrets, "secret", secretRef, namespace),
    ];
    for (const keyed of found) {
      for (const [key, value] of Object.entries(keyed?.data ?? {})) variables.set(`${prefix}${key}`, decode(value));
    }
  }
}

/** The path that images set when they set none of their own. */
export const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * A container's environment: the image's, the Services', envFrom, then env in order, where each sees those before it.
 * @throws ContainerConfigError for a reference to what is not there
 */
export function environmentOf(
  container: ContainerSpec,
  facts: PodFacts,
  references: References,
  serviceVariables: ReadonlyMap<string, string>,
): Map<string, string> {
  const { name: podName, namespace } = facts.pod.metadata;
  const variables = new Map<string, string>([
    ["PATH", defaultPath],
    ["HOSTNAME", facts.pod.spec.hostname ?? podName],
    ...serviceVariables,
  ]);
  addAll(variables, container, references, namespace);
  for (const { name, value, valueFrom } of container.env) {
    if (value !== undefined || valueFrom === undefined) {
      variables.set(name, expand(value ?? "", variables));
      continue;
    }
    const found = referencedValue(valueFrom, container.name, facts, references);
    if (found !== undefined) variables.set(name, found);
  }
  return variables;
}
