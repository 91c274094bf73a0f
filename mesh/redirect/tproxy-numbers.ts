import { accept, type Reading, refuse } from "../reading.ts";

/** The mark by which TPROXY rules know the proxy's own traffic on loopback. The peer's number, not configurable there either. */
export const ownTrafficMark = 1338;

const highest = 0xffffffff;

/** The main, local and default tables, which every namespace lives on (linux/rtnetlink.h), and 0, which means none. */
const reservedTables: readonly number[] = [0, 253, 254, 255];

function parseNumber(text: string): number | undefined {
  const value = /^(0|[1-9]\d{0,9}|0x[0-9a-fA-F]{1,8})$/.test(text) ? Number(text) : undefined;
  return value !== undefined && value <= highest ? value : undefined;
}

/** Reads a packet mark, decimal or hexadecimal. */
export function readMark(text: string): Reading<number> {
  const mark = parseNumber(text.trim());
  if (mark === undefined || mark === 0) return refuse("is not a packet mark", `use a number from 1 to ${highest}`);
  if (mark !== ownTrafficMark) return accept(mark);
  return refuse("is the mark of the proxy's own traffic", "use another, such as 1337");
}

/** Reads a routing table's number; a table that the system needs is refused. */
export function readRouteTable(text: string): Reading<number> {
  const table = parseNumber(text.trim());
  if (table === undefined) return refuse("is not the number of a routing table", `use one from 1 to ${highest}`);
  if (!reservedTables.includes(table)) return accept(table);
  return refuse("is a routing table that the system needs", "use another, such as 133");
}
