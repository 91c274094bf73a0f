import type { Permission } from "../../deploy/manifests/webhook-access.ts";
import type { Machine } from "./machine/handle.ts";

/** An event of the API server's audit log, as far as it tells who asked for what. */
export interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
  readonly objectRef?: { readonly resource: string; readonly apiGroup?: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number };
}

/** Everything that a service account has asked for, oldest first. */
export async function auditOf(machine: Machine, namespace: string, account: string): Promise<AuditEvent[]> {
  const events = (await machine.auditEvents()) as unknown as AuditEvent[];
  return events.filter(({ user }) => user.username === `system:serviceaccount:${namespace}:${account}`);
}

/** The name of the Pod that asked. */
export function podOf({ user }: AuditEvent): string {
  return user.extra?.["authentication.kubernetes.io/pod-name"]?.[0] ?? "";
}

/** What was asked for, each as `verb resource`. */
export function asked(events: readonly AuditEvent[]): Set<string> {
  return new Set(events.flatMap(({ verb, objectRef }) => (objectRef ? [`${verb} ${objectRef.resource}`] : [])));
}

function granted(permissions: readonly Permission[]): Set<string> {
  return new Set(
    permissions.flatMap(({ rule: { verbs, resources = [] } }) =>
      verbs.flatMap((verb) => resources.map((resource) => `${verb} ${resource}`)),
    ),
  );
}

/** How the permissions and what was asked for differ: nothing on either side is what should be. */
export function differences(
  events: readonly AuditEvent[],
  permissions: readonly Permission[],
): { readonly notGranted: readonly string[]; readonly unused: readonly string[] } {
  const [does, may] = [asked(events), granted(permissions)];
  return {
    notGranted: [...does].filter((request) => !may.has(request)),
    unused: [...may].filter((request) => !does.has(request)),
  };
}
