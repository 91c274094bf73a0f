import type { CoreV1Api, V1Secret } from "@kubernetes/client-node";
import { statusOfError } from "../../kubernetes/api-error.ts";
import { type AuthorityMaterial, type MaterialNames, materialParts } from "./authority-files.ts";
import type { MaterialStore } from "./material-store.ts";

/** The part of the Kubernetes client that keeps Secrets. */
export type Secrets = Pick<CoreV1Api, "readNamespacedSecret" | "createNamespacedSecret" | "replaceNamespacedSecret">;

export interface SecretPlace {
  readonly api: Secrets;
  readonly namespace: string;
  readonly name: string;
  readonly names: MaterialNames;
}

/** A replaced authority takes effect within this time. */
const pollMs = 15_000;

/** An authority in a Secret. */
export function materialSecret({ api, namespace, name, names }: SecretPlace): MaterialStore {
  let last: V1Secret | undefined;

  function materialOf({ data = {} }: V1Secret): AuthorityMaterial {
    const text = (part: keyof AuthorityMaterial) => Buffer.from(data[names[part]] ?? "", "base64").toString("utf8");
    return {
      certificate: text("certificate"),
      privateKey: text("privateKey"),
      chain: text("chain"),
      roots: text("roots"),
    };
  }

  async function read(): Promise<AuthorityMaterial | undefined> {
    try {
      last = await api.readNamespacedSecret({ namespace, name });
      return materialOf(last);
    } catch (error) {
      if (statusOfError(error) === 404) return undefined;
      throw error;
    }
  }

  /** Writes, or reads what another replica has written in the meantime. */
  async function written(write: () => Promise<V1Secret>): Promise<AuthorityMaterial> {
    try {
      last = await write();
      return materialOf(last);
    } catch (error) {
      const found = statusOfError(error) === 409 ? await read() : undefined;
      if (found === undefined) throw error;
      return found;
    }
  }

  const stringData = (material: AuthorityMaterial) =>
    Object.fromEntries(materialParts.map((part) => [names[part], material[part]]));

  return {
    place: `Secret ${namespace}/${name}`,
    read,
    create(material) {
      const metadata = { name, namespace, labels: { "app.kubernetes.io/part-of": "outrigger" } };
      const body: V1Secret = { metadata, type: "Opaque", stringData: stringData(material) };
      return written(() => api.createNamespacedSecret({ namespace, body }));
    },
    replace(material) {
      // The resourceVersion in it has the API server refuse, should another replica have been faster.
      const body: V1Secret = { ...last, stringData: stringData(material) };
      return written(() => api.replaceNamespacedSecret({ namespace, name, body }));
    },
    watch(look) {
      const timer = setInterval(look, pollMs).unref();
      return () => clearInterval(timer);
    },
  };
}
