import type { Labels } from "../../mesh/pod.ts";
import { selectorMatches } from "../../mesh/selector.ts";
import { type KubernetesObject, objectKey, type PeerAuthenticationObject } from "./objects.ts";
import type { Workload } from "./workload.ts";

/** What a workload takes on a port: mutual TLS only, both, or plain text only. */
export type TlsMode = "STRICT" | "PERMISSIVE" | "DISABLE";

/**
 * Istio's PeerAuthentication. `undefined` where it says UNSET or nothing: the next wider one decides.
 * Source: https://istio.io/latest/docs/reference/config/security/peer_authentication/
 */
export interface PeerAuthentication {
  readonly key: string;
  readonly namespace: string;
  /** Undefined: the whole namespace, or the mesh if it stands in the root namespace. */
  readonly selector: Labels | undefined;
  readonly mode: TlsMode | undefined;
  readonly portModes: ReadonlyMap<number, TlsMode | undefined>;
  readonly createdAt: number;
}

const modes: readonly string[] = ["STRICT", "PERMISSIVE", "DISABLE"];

function modeFrom(text: string | undefined): TlsMode | undefined {
  return text !== undefined && modes.includes(text) ? (text as TlsMode) : undefined;
}

function createdAt(object: KubernetesObject): number {
  const created = object.metadata?.creationTimestamp;
  return created === undefined ? 0 : new Date(created).getTime();
}

export function peerAuthenticationFrom(object: PeerAuthenticationObject): PeerAuthentication {
  const { selector, mtls, portLevelMtls = {} } = object.spec ?? {};
  const matchLabels = selector?.matchLabels ?? {};
  const ports = Object.entries(portLevelMtls).map(([port, { mode }]): [number, TlsMode | undefined] => [
    Number(port),
    modeFrom(mode),
  ]);
  return {
    key: objectKey(object),
    namespace: object.metadata?.namespace ?? "default",
    selector: Object.keys(matchLabels).length === 0 ? undefined : matchLabels,
    mode: modeFrom(mtls?.mode),
    portModes: new Map(ports),
    createdAt: createdAt(object),
  };
}

/** Of several that would decide, the oldest does; of two of the same age, the one whose name comes first. */
export function byAge(one: PeerAuthentication, other: PeerAuthentication): number {
  return one.createdAt - other.createdAt || (one.key < other.key ? -1 : 1);
}

/** The modes of one workload: by port, and for every other port. */
export interface EffectiveModes {
  readonly mode: TlsMode;
  readonly portModes: ReadonlyMap<number, TlsMode>;
}

/**
 * What holds for a workload: its own policy, else its namespace's, else the mesh's, else PERMISSIVE. `policies` are sorted
 * by age. Port modes count only in a policy with a selector; UNSET there means the workload's mode.
 */
export function effectiveModes(
  policies: readonly PeerAuthentication[],
  { namespace, labels }: Pick<Workload, "namespace" | "labels">,
  rootNamespace: string,
): EffectiveModes {
  const own = policies.find(
    ({ namespace: where, selector }) =>
      where === namespace && selector !== undefined && selectorMatches({ matchLabels: selector }, labels),
  );
  const wide = (where: string) =>
    policies.find((policy) => policy.namespace === where && policy.selector === undefined);
  const mode = own?.mode ?? wide(namespace)?.mode ?? wide(rootNamespace)?.mode ?? "PERMISSIVE";
  const portModes = new Map([...(own?.portModes ?? [])].map(([port, portMode]) => [port, portMode ?? mode]));
  return { mode, portModes };
}

/** The mode of one port. */
export function portMode(modes: EffectiveModes, port: number): TlsMode {
  return modes.portModes.get(port) ?? modes.mode;
}
