import { ContainerConfigError, findKeyed, type References } from "../container/environment.ts";
import { fieldValue, type PodFacts, resourceValue } from "../container/field-reference.ts";
import type { KeyedData } from "../manifest/manifest.ts";
import type { DownwardItem, ProjectedSource } from "../pod/schema.ts";

/** A file of a volume. */
export interface VolumeFile {
  /** Below the volume. */
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer;
}

export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly pod: { readonly name: string; readonly uid: string };
  readonly audience: string | undefined;
  readonly lifetimeSeconds: number;
}

/** Everything that the files of a Pod's volumes are made from. */
export interface VolumeInput {
  readonly facts: PodFacts;
  readonly references: References;
  readonly issueToken: (request: TokenRequest) => string;
}

interface KeyedSource {
  readonly name: string;
  readonly optional: boolean;
  readonly items?:
    | readonly { readonly key: string; readonly path: string; readonly mode?: number | undefined }[]
    | undefined;
}

const plural = { configmap: "configMaps", secret: "secrets" } as const;

/** The files of a ConfigMap or Secret: every key, or the items chosen. */
export function keyedFiles(
  kind: keyof typeof plural,
  source: KeyedSource,
  mode: number,
  { facts, references }: VolumeInput,
): VolumeFile[] {
  const found: KeyedData | undefined = findKeyed(references[plural[kind]], kind, source, facts.pod.metadata.namespace);
  if (found === undefined) return [];
  const items = source.items ?? Object.keys(found.data).map((key) => ({ key, path: key, mode: undefined }));
  return items.flatMap((item) => {
    const data = found.data[item.key];
    if (data !== undefined) return [{ path: item.path, mode: item.mode ?? mode, content: Buffer.from(data, "base64") }];
    if (source.optional) return [];
    throw new ContainerConfigError(`references non-existent ${kind} key: ${item.key}`);
  });
}

/** The files of a downwardAPI volume. */
export function downwardFiles(items: readonly DownwardItem[], mode: number, { facts }: VolumeInput): VolumeFile[] {
  return items.map((item) => {
    const text =
      item.fieldRef === undefined
        ? item.resourceFieldRef &&
          resourceValue(item.resourceFieldRef, item.resourceFieldRef.containerName ?? "", facts)
        : fieldValue(item.fieldRef.fieldPath, facts);
    if (text === undefined) throw new ContainerConfigError(`downwardAPI has no value for ${item.path}`);
    return { path: item.path, mode: item.mode ?? mode, content: Buffer.from(text) };
  });
}

/** The files of a projected volume: all its sources in one folder. */
export function projectedFiles(sources: readonly ProjectedSource[], mode: number, input: VolumeInput): VolumeFile[] {
  const { metadata, spec } = input.facts.pod;
  return sources.flatMap(({ configMap, secret, downwardAPI, serviceAccountToken }) => {
    if (configMap !== undefined) return keyedFiles("configmap", configMap, mode, input);
    if (secret !== undefined) return keyedFiles("secret", secret, mode, input);
    if (downwardAPI !== undefined) return downwardFiles(downwardAPI.items, mode, input);
    if (serviceAccountToken === undefined) {
      throw new ContainerConfigError("a projected volume has a source that the sandbox does not know");
    }
    const token = input.issueToken({
      namespace: metadata.namespace,
      serviceAccount: spec.serviceAccountName,
      pod: { name: metadata.name, uid: metadata.uid },
      audience: serviceAccountToken.audience,
      lifetimeSeconds: serviceAccountToken.expirationSeconds,
    });
    return [{ path: serviceAccountToken.path, mode, content: Buffer.from(token) }];
  });
}
