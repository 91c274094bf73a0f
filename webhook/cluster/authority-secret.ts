import type { V1Secret } from "@kubernetes/client-node";
import { statusOfError } from "../../kubernetes/api-error.ts";
import { type Following, follow } from "../../kubernetes/follow.ts";
import { dueStep, type RotationPeriods, takeStep } from "../authority/rotation.ts";
import { type Authorities, readAuthorities, secretData } from "../authority/secret-data.ts";
import type { ClusterClient } from "./client.ts";
import { withLease } from "./lease.ts";

/** Where the authorities are kept. */
export interface AuthoritySecret {
  readonly name: string;
  readonly namespace: string;
  /** The Lease by which one replica alone creates or renews them. */
  readonly lease: string;
  /** This Pod's name. */
  readonly holder: string;
}

export function describeSecret({ name, namespace }: AuthoritySecret): string {
  return `Secret ${namespace}/${name}`;
}

async function readSecret(
  { core }: ClusterClient,
  { name, namespace }: AuthoritySecret,
): Promise<V1Secret | undefined> {
  try {
    return await core.readNamespacedSecret({ name, namespace });
  } catch (error) {
    if (statusOfError(error) === 404) return undefined;
    throw error;
  }
}

async function writeSecret(
  client: ClusterClient,
  where: AuthoritySecret,
  found: V1Secret | undefined,
  data: Authorities,
) {
  const { name, namespace } = where;
  const metadata = found?.metadata ?? {
    name,
    namespace,
    labels: { "app.kubernetes.io/part-of": "outrigger", "app.kubernetes.io/managed-by": "outrigger-webhook" },
  };
  // With its resourceVersion, a Secret that somebody else changed in between is refused.
  const body: V1Secret = { apiVersion: "v1", kind: "Secret", type: "Opaque", metadata, data: { ...secretData(data) } };
  if (found === undefined) await client.core.createNamespacedSecret({ namespace, body });
  else await client.core.replaceNamespacedSecret({ name, namespace, body });
}

/** A step that was taken, for the log; undefined when nothing was due, or another replica is at it. */
export async function rotateWhenDue(
  client: ClusterClient,
  where: AuthoritySecret,
  periods: RotationPeriods,
): Promise<string | undefined> {
  let taken: string | undefined;
  const order = { name: where.lease, namespace: where.namespace, holder: where.holder };
  await withLease(client, order, async () => {
    // Another replica may have done it a moment ago.
    const found = await readSecret(client, where);
    const known = await readAuthorities(found?.data ?? {}, describeSecret(where));
    const now = new Date();
    const step = dueStep(known, now, periods);
    if (step === undefined) return;
    await writeSecret(client, where, found, await takeStep(step, known, now, periods));
    taken = step;
  });
  return taken;
}

/** Follows the Secret. `changed` gets what it holds, or undefined when there is none. */
export function followSecret(
  client: ClusterClient,
  { name, namespace }: AuthoritySecret,
  trouble: (error: unknown) => void,
  changed: (data: Readonly<Record<string, string>> | undefined) => void,
): Following {
  const fieldSelector = `metadata.name=${name}`;
  return follow<V1Secret>({
    config: client.config,
    path: `/api/v1/namespaces/${namespace}/secrets`,
    list: () => client.core.listNamespacedSecret({ namespace, fieldSelector }),
    fieldSelector,
    changed: ([secret]) => changed(secret === undefined ? undefined : (secret.data ?? {})),
    trouble,
  });
}
