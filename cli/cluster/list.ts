import { ApiError, type ClusterApi, type KubernetesObject } from "../../deploy/cluster/api.ts";
import type { LabelSelector } from "../../mesh/selector.ts";

export interface Registration extends KubernetesObject {
  readonly webhooks?: readonly RegistrationEntry[];
}

export interface RegistrationEntry {
  readonly name: string;
  readonly clientConfig?: {
    readonly caBundle?: string;
    readonly service?: { readonly name: string; readonly namespace: string };
  };
  readonly rules?: readonly { readonly apiGroups?: readonly string[]; readonly resources?: readonly string[] }[];
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  readonly failurePolicy?: string;
  readonly timeoutSeconds?: number;
}

export interface Workload extends KubernetesObject {
  readonly spec?: {
    readonly template?: {
      readonly spec?: {
        readonly containers?: readonly { readonly args?: string[] }[];
        readonly volumes?: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
      };
    };
  };
  readonly status?: { readonly availableReplicas?: number };
}

export interface Node extends KubernetesObject {
  readonly status?: { readonly nodeInfo?: { readonly kubeletVersion?: string } };
}

export interface Pod extends KubernetesObject {
  readonly spec?: {
    readonly containers?: readonly { readonly name: string; readonly image?: string }[];
    readonly initContainers?: readonly { readonly name: string; readonly image?: string }[];
  };
  readonly status?: { readonly phase?: string };
}

export interface DataObject extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

type Query = Readonly<Record<string, string>>;

/** One object, or undefined when there is none. */
export async function readOne<T>(api: ClusterApi, path: string): Promise<T | undefined> {
  try {
    return (await api.request<T>({ path })).body;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** All objects at a path. They are read in parts: a large cluster has more than one answer holds. */
export async function readAll<T>(api: ClusterApi, path: string, query: Query = {}): Promise<T[]> {
  const items: T[] = [];
  let next: string | undefined;
  do {
    const part = { ...query, limit: "500", ...(next !== undefined && { continue: next }) };
    const { body } = await api.request<{ items: T[]; metadata: { continue?: string } }>({ path, query: part });
    items.push(...body.items);
    next = body.metadata.continue || undefined;
  } while (next !== undefined);
  return items;
}

export const registrationsPath = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

/** What marks the objects of an installation. */
export const outriggerSelector = "app.kubernetes.io/name=outrigger";
