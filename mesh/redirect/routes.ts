import type { IpFamily } from "../address.ts";
import { formatCidr } from "../cidr.ts";
import { type CaptureConfig, families, passthroughSource } from "./config.ts";

/** Packets that have a mark are routed by a table of their own, which delivers them to this host whatever their address. */
export interface MarkRoute {
  readonly family: IpFamily;
  readonly mark: number;
  readonly table: number;
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

/** What changes, beside what stays: two marks may share a table, whose route goes with the last of them. */
interface Change {
  readonly verb: "add" | "del";
  readonly routes: readonly MarkRoute[];
  readonly staying: readonly MarkRoute[];
  readonly address: boolean;
}

function changeLines(family: IpFamily, { verb, routes, staying, address }: Change): string[] {
  const own = routes.filter((route) => route.family === family);
  const needed = staying.filter((route) => route.family === family).map(({ table }) => table);
  const tables = [...new Set(own.map(({ table }) => table))].filter((table) => !needed.includes(table));
  return [
    ...(address && family === "IPv6" ? [`addr ${verb} ${passthroughAddress} dev lo`] : []),
    ...own.map(({ mark, table }) => `rule ${verb} fwmark ${mark} lookup ${table}`),
    ...tables.map((table) => `route ${verb} local default dev lo table ${table}`),
  ];
}

function changes(change: Change): RouteChange[] {
  return (["IPv4", "IPv6"] as const)
    .map((family) => ({ family, lines: changeLines(family, change) }))
    .filter(({ lines }) => lines.length > 0);
}

/** What is to be added to come from one state to another. */
export function routeAdditions(before: Routes, after: Routes): RouteChange[] {
  const address = after.passthroughAddress && !before.passthroughAddress;
  const routes = beyond(after.markRoutes, before.markRoutes);
  return changes({ verb: "add", routes, staying: beyond(after.markRoutes, routes), address });
}

/** What is to be deleted to come from one state to another. */
export function routeDeletions(before: Routes, after: Routes): RouteChange[] {
  const address = before.passthroughAddress && !after.passthroughAddress;
  const routes = beyond(before.markRoutes, after.markRoutes);
  return changes({ verb: "del", routes, staying: beyond(before.markRoutes, routes), address });
}

/**
 * The routes of the mesh in what `ip -batch` printed for `rule list` and `route list table all`: rules for a mark of the
 * mesh's, whose table does nothing but deliver to this host. `marks` are those that rules of the mesh use.
 */
export function parseMarkRoutes(text: string, family: IpFamily, marks: ReadonlySet<number>): MarkRoute[] {
  const delivering = new Set(
    [...text.matchAll(/^local default dev lo table (\d+)\b.*$/gm)].map(([, table]) => Number(table)),
  );
  const rules = [...text.matchAll(/^\d+:\s+from all fwmark (0x[0-9a-f]+|\d+) lookup (\d+)\s*$/gm)];
  return rules
    .map(([, mark, table]) => ({ family, mark: Number(mark), table: Number(table) }))
    .filter(({ mark, table }) => marks.has(mark) && delivering.has(table));
}
