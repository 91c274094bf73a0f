import type { CoreV1Api, V1Secret } from "@kubernetes/client-node";
import { createAuthority, loadAuthority } from "../../host/x509.ts";
import {
  type AuthorityMaterial,
  authorityFiles,
  createMaterial,
  readAuthority,
  servingFiles,
} from "./authority-files.ts";
import type { AuthoritySource } from "./authority-source.ts";

/** The part of the Kubernetes client that keeps Secrets. */
export type Secrets = Pick<CoreV1Api, "readNamespacedSecret" | "createNamespacedSecret">;

export interface AuthoritySecretOptions {
  readonly api: Secrets;
  readonly namespace: string;
  readonly name: string;
  readonly trustDomain: string;
}

/** A replaced authority takes effect within this time. */
const pollMs = 15_000;
const tenYearsMs = 10 * 365 * 24 * 3_600_000;

function codeOf(error: unknown): number | undefined {
  return (error as { code?: number }).code;
}

/** Both roots, made anew, as a Secret's data. */
async function newData(trustDomain: string): Promise<Record<string, string>> {
  const material = await createMaterial(trustDomain);
  const serving = await createAuthority({ commonName: "Outrigger discovery", lifetimeMs: tenYearsMs });
  return {
    [authorityFiles.certificate]: material.certificate,
    [authorityFiles.privateKey]: material.privateKey,
    [authorityFiles.chain]: material.chain,
    [authorityFiles.roots]: material.roots,
    [servingFiles.certificate]: serving.pem.certificate,
    [servingFiles.privateKey]: serving.pem.privateKey,
  };
}

function textOf({ data = {} }: V1Secret, key: string): string {
  return Buffer.from(data[key] ?? "", "base64").toString("utf8");
}

function materialOf(secret: V1Secret): AuthorityMaterial {
  return {
    certificate: textOf(secret, authorityFiles.certificate),
    privateKey: textOf(secret, authorityFiles.privateKey),
    chain: textOf(secret, authorityFiles.chain),
    roots: textOf(secret, authorityFiles.roots),
  };
}

/** Reads the Secret, or creates it. Of several replicas that find none, one creates it and the others read that. */
async function readOrCreate({ api, namespace, name, trustDomain }: AuthoritySecretOptions): Promise<V1Secret> {
  const read = () => api.readNamespacedSecret({ namespace, name });
  try {
    return await read();
  } catch (error) {
    if (codeOf(error) !== 404) throw error;
  }
  const metadata = { name, namespace, labels: { "app.kubernetes.io/part-of": "outrigger" } };
  const body: V1Secret = { metadata, type: "Opaque", stringData: await newData(trustDomain) };
  try {
    return await api.createNamespacedSecret({ namespace, body });
  } catch (error) {
    if (codeOf(error) !== 409) throw error;
    return await read();
  }
}

/**
 * The authority in a Secret, by the names that Istio gives the keys of `cacerts`; made if there is none.
 * @throws OutriggerError BAD_CONFIGURATION when the Secret holds no usable authority
 */
export async function authoritySecret(options: AuthoritySecretOptions): Promise<AuthoritySource> {
  const { api, namespace, name } = options;
  const where = `Secret ${namespace}/${name}`;
  const secret = await readOrCreate(options);
  let known = JSON.stringify(materialOf(secret));
  const authority = await readAuthority(materialOf(secret), where);
  const serving = {
    certificate: textOf(secret, servingFiles.certificate),
    privateKey: textOf(secret, servingFiles.privateKey),
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    authority,
    serving: serving.certificate === "" ? undefined : await loadAuthority(serving, where),
    follow(onChange, onError) {
      const look = async () => {
        const next = materialOf(await api.readNamespacedSecret({ namespace, name }));
        const text = JSON.stringify(next);
        if (text === known) return;
        onChange(await readAuthority(next, where));
        known = text;
      };
      timer = setInterval(() => void look().catch(onError), pollMs);
      timer.unref();
    },
    close: () => clearInterval(timer),
  };
}
