import { OutriggerError } from "../../mesh/errors.ts";
import { at, type JsonValue, list, type ShownKind, text } from "./config-dump.ts";

/** By what people narrow what is shown; the names are istioctl's. */
export interface Narrowing {
  readonly address?: string;
  readonly port?: string;
  readonly name?: string;
  readonly fqdn?: string;
  readonly direction?: string;
  readonly subset?: string;
  readonly cluster?: string;
  readonly status?: string;
}

/** Whether an entry passes a filter's value. */
type Test = (entry: JsonValue, wanted: string) => boolean;

const listenerOf = (entry: JsonValue) => at(entry, "listener") ?? at(entry, "active_state", "listener");

/** `outbound|80|v1|reviews.shop.svc.cluster.local`, part by part. */
const clusterPart =
  (part: number): Test =>
  (entry, wanted) =>
    text(at(entry, "cluster", "name")).split("|")[part] === wanted;

/** What narrows each kind. The entries are those of Envoy's config dump; of its clusters, for endpoints. */
const tests: Readonly<Record<ShownKind, Readonly<Partial<Record<keyof Narrowing, Test>>>>> = {
  listeners: {
    address: (entry, wanted) => text(at(listenerOf(entry), "address", "socket_address", "address")) === wanted,
    port: (entry, wanted) => text(at(listenerOf(entry), "address", "socket_address", "port_value")) === wanted,
    name: (entry, wanted) => text(at(listenerOf(entry), "name")) === wanted,
  },
  routes: { name: (entry, wanted) => text(at(entry, "route_config", "name")) === wanted },
  clusters: {
    fqdn: (entry, wanted) =>
      text(at(entry, "cluster", "name"))
        .split("|")
        .at(-1)
        ?.includes(wanted) === true,
    port: clusterPart(1),
    direction: clusterPart(0),
    subset: clusterPart(2),
  },
  endpoints: {
    address: (host, wanted) => text(at(host, "address", "socket_address", "address")) === wanted,
    port: (host, wanted) => text(at(host, "address", "socket_address", "port_value")) === wanted,
    status: (host, wanted) => text(at(host, "health_status", "eds_health_status")) === wanted.toUpperCase(),
  },
  secrets: { name: (entry, wanted) => text(at(entry, "name")) === wanted },
};

/** Endpoints are narrowed by their cluster as well, which is above them. */
const extra: Readonly<Partial<Record<ShownKind, readonly (keyof Narrowing)[]>>> = { endpoints: ["cluster"] };

/** The filters of a kind, as flags. */
export function narrowingOf(kind: ShownKind): string[] {
  return [...Object.keys(tests[kind]), ...(extra[kind] ?? [])].map((name) => `--${name}`);
}

/** @throws OutriggerError BAD_FLAG for a filter that the kind does not have */
function checkFilters(kind: ShownKind, narrowing: Narrowing): void {
  const known = narrowingOf(kind);
  const wrong = Object.keys(narrowing).filter((name) => !known.includes(`--${name}`));
  if (wrong.length === 0) return;
  const remedy = `${kind} are narrowed by ${known.join(", ")}`;
  throw new OutriggerError(
    "BAD_FLAG",
    wrong.map((name) => ({ field: `--${name}`, message: `is nothing that ${kind} have`, remedy })),
  );
}

function passes(kind: ShownKind, entry: JsonValue, narrowing: Narrowing): boolean {
  return Object.entries(tests[kind]).every(([name, test]) => {
    const wanted = narrowing[name as keyof Narrowing];
    return wanted === undefined || test(entry, wanted);
  });
}

function narrowEndpoints(answer: JsonValue, narrowing: Narrowing): JsonValue {
  const clusters = list(at(answer, "cluster_statuses")).filter(
    (cluster) => narrowing.cluster === undefined || text(at(cluster, "name")) === narrowing.cluster,
  );
  const narrowed = clusters.map((cluster) => ({
    ...(cluster as { [field: string]: JsonValue }),
    host_statuses: list(at(cluster, "host_statuses")).filter((host) => passes("endpoints", host, narrowing)),
  }));
  return { cluster_statuses: narrowed.filter(({ host_statuses }) => host_statuses.length > 0) };
}

/**
 * What Envoy's admin interface told, without what was not asked for.
 * @throws OutriggerError BAD_FLAG for a filter that the kind does not have
 */
export function narrow(kind: ShownKind, answer: JsonValue, narrowing: Narrowing): JsonValue {
  checkFilters(kind, narrowing);
  if (Object.keys(narrowing).length === 0) return answer;
  if (kind === "endpoints") return narrowEndpoints(answer, narrowing);
  const configs = list(at(answer, "configs")).map((section) => {
    const fields = Object.entries(section as { [field: string]: JsonValue }).map(([field, value]) => [
      field,
      Array.isArray(value) ? value.filter((entry) => passes(kind, entry, narrowing)) : value,
    ]);
    return Object.fromEntries(fields) as JsonValue;
  });
  return { configs };
}
