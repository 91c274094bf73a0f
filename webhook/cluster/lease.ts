import { type V1Lease, V1MicroTime } from "@kubernetes/client-node";
import { statusOfError } from "../../kubernetes/api-error.ts";
import type { ClusterClient } from "./client.ts";

/** Who wants to be alone, and where they agree on it. */
export interface LeaseOrder {
  readonly name: string;
  readonly namespace: string;
  /** The Pod's name. */
  readonly holder: string;
}

/** A holder that has not said anything for so long is gone. */
const durationSeconds = 15;

function isHeldByOther({ spec }: V1Lease, holder: string, now: Date): boolean {
  if (!spec?.holderIdentity || spec.holderIdentity === holder) return false;
  const renewed = spec.renewTime?.getTime() ?? 0;
  return now.getTime() < renewed + (spec.leaseDurationSeconds ?? durationSeconds) * 1000;
}

function leaseOf({ name, namespace, holder }: LeaseOrder, now: Date, current?: V1Lease): V1Lease {
  const time = new V1MicroTime(now.getTime());
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: current?.metadata ?? { name, namespace },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: durationSeconds,
      acquireTime: time,
      renewTime: time,
      leaseTransitions: (current?.spec?.leaseTransitions ?? -1) + 1,
    },
  };
}

async function readLease(
  { coordination }: ClusterClient,
  { name, namespace }: LeaseOrder,
): Promise<V1Lease | undefined> {
  try {
    return await coordination.readNamespacedLease({ name, namespace });
  } catch (error) {
    if (statusOfError(error) === 404) return undefined;
    throw error;
  }
}

/** Takes the lease if nobody else has it. The API server decides between two that try at the same time. */
async function acquire(client: ClusterClient, order: LeaseOrder): Promise<V1Lease | undefined> {
  const now = new Date();
  const { name, namespace } = order;
  const current = await readLease(client, order);
  if (current !== undefined && isHeldByOther(current, order.holder, now)) return undefined;
  const body = leaseOf(order, now, current);
  try {
    if (current === undefined) return await client.coordination.createNamespacedLease({ namespace, body });
    return await client.coordination.replaceNamespacedLease({ name, namespace, body });
  } catch (error) {
    if (statusOfError(error) === 409) return undefined;
    throw error;
  }
}

async function release({ coordination }: ClusterClient, { name, namespace }: LeaseOrder, held: V1Lease): Promise<void> {
  const body = { ...held, spec: { ...held.spec, holderIdentity: "", leaseDurationSeconds: 1 } };
  try {
    await coordination.replaceNamespacedLease({ name, namespace, body });
  } catch {
    // It runs out by itself.
  }
}

/** Does `work` while holding the lease. Returns whether it was done: another one may hold the lease. */
export async function withLease(client: ClusterClient, order: LeaseOrder, work: () => Promise<void>): Promise<boolean> {
  const held = await acquire(client, order);
  if (held === undefined) return false;
  try {
    await work();
  } finally {
    await release(client, order, held);
  }
  return true;
}
