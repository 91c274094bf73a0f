import type { IpFamily } from "../address.ts";
import { formatCidr } from "../cidr.ts";
import { type CaptureConfig, families, passthroughSource } from "./config.ts";

/** Packets that have a mark are routed by a table of their own, which delivers them to this host whatever their address. */
export interface MarkRoute {
  readonly family: IpFamily;
  readonly mark: number;
  readonly table: number;
  /** That the table delivers nothing: a run was cut short between a rule and its route. */
  readonly withoutRoute?: true;
}

/** What capture needs besides rules. */
export interface Routes {
  readonly markRoutes: readonly MarkRoute[];
  /** Whether loopback has the address from which the proxy calls the application by IPv6; IPv4's is within 127.0.0.0/8. */
  readonly passthroughAddress: boolean;
}

/** The address that `passthroughAddress` is about. */
export const passthroughAddress = formatCidr(passthroughSource.IPv6);

export function routesOf(config: CaptureConfig): Routes {
  const marked = config.mode === "TPROXY" && config.inbound.capture !== "none";
  const { mark, routeTable: table } = config.tproxy;
  return {
    markRoutes: marked ? families(config).map((family) => ({ family, mark, table })) : [],
    passthroughAddress: config.ipv6,
  };
}

/** Lines of `ip -batch -`, for one family each (IPv6: `ip -6`). */
export interface RouteChange {
  readonly family: IpFamily;
  readonly lines: readonly string[];
}

function isSame(a: MarkRoute, b: MarkRoute): boolean {
  return a.family === b.family && a.mark === b.mark && a.table === b.table;
}

/** The routes that are in one list and not in the other; the kernel may hold the same one twice. */
function beyond(routes: readonly MarkRoute[], others: readonly MarkRoute[]): MarkRoute[] {
  const left = [...others];
  return routes.filter((route) => {
    const index = left.findIndex((other) => isSame(route, other));
    if (index !== -1) left.splice(index, 1);
    return index === -1;
  });
}

/** The tables that deliver, each once. */
function deliveringTables(routes: readonly MarkRoute[]): Set<number> {
  return new Set(routes.filter(({ withoutRoute }) => withoutRoute === undefined).map(({ table }) => table));
}

interface Change {
  readonly verb: "add" | "del";
  readonly from: Routes;
  readonly to: Routes;
}

/**
 * The lines of a family that add what only `to` has, or delete what only `from` has. A rule is there before its route and
 * after it: it has the mark by which it is known, so whatever a kill leaves is found again.
 */
function changeLines(family: IpFamily, { verb, from, to }: Change): string[] {
  const [has, lacks] = verb === "add" ? [to, from] : [from, to];
  const ofFamily = ({ markRoutes }: Routes) => markRoutes.filter((route) => route.family === family);
  const address = family === "IPv6" && has.passthroughAddress && !lacks.passthroughAddress;
  const delivered = deliveringTables(ofFamily(lacks));
  const rules = beyond(ofFamily(has), ofFamily(lacks)).map(
    ({ mark, table }) => `rule ${verb} fwmark ${mark} lookup ${table}`,
  );
  const routes = [...deliveringTables(ofFamily(has))]
    .filter((table) => !delivered.has(table))
    .map((table) => `route ${verb} local default dev lo table ${table}`);
  return [
    ...(address ? [`addr ${verb} ${passthroughAddress} dev lo`] : []),
    ...(verb === "add" ? [...rules, ...routes] : [...routes, ...rules]),
  ];
}

function changes(change: Change): RouteChange[] {
  return (["IPv4", "IPv6"] as const)
    .map((family) => ({ family, lines: changeLines(family, change) }))
    .filter(({ lines }) => lines.length > 0);
}

/** What is to be added to come from one state to another. */
export function routeAdditions(from: Routes, to: Routes): RouteChange[] {
  return changes({ verb: "add", from, to });
}

/** What is to be deleted to come from one state to another. */
export function routeDeletions(from: Routes, to: Routes): RouteChange[] {
  return changes({ verb: "del", from, to });
}

/**
 * The routes of the mesh in what `ip -batch` printed for `rule list` and `route list table all`: rules for a mark of the
 * mesh's, whose table does nothing but deliver to this host, or has no route. `marks` are those that rules of the mesh use.
 */
export function parseMarkRoutes(text: string, family: IpFamily, marks: ReadonlySet<number>): MarkRoute[] {
  const tables = (pattern: RegExp) => new Set([...text.matchAll(pattern)].map(([, table]) => Number(table)));
  const delivering = tables(/^local default dev lo table (\d+)\b.*$/gm);
  const used = tables(/^(?!\d+:).* table (\d+)\b.*$/gm);
  const rules = [...text.matchAll(/^\d+:\s+from all fwmark (0x[0-9a-f]+|\d+) lookup (\d+)\s*$/gm)];
  return rules
    .map(([, mark, table]) => ({ family, mark: Number(mark), table: Number(table) }))
    .filter(({ mark, table }) => marks.has(mark) && (delivering.has(table) || !used.has(table)))
    .map((route) => (delivering.has(route.table) ? route : { ...route, withoutRoute: true }));
}
