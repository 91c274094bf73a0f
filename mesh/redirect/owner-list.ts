import { type Reading, readAllOr, readList, refuse } from "../reading.ts";
import type { Group } from "./config.ts";

/** uid_t and gid_t have 32 bits; the highest value means "none" to the kernel. */
const highestId = 4294967294;

/** The limit of istio-iptables, from the time when one rule could name no more. */
const mostGroups = 64;

function parseId(text: string): number | undefined {
  return /^(0|[1-9]\d{0,9})$/.test(text) && Number(text) <= highestId ? Number(text) : undefined;
}

/** A number, or a name as groupadd allows it. */
function parseGroup(text: string): Group | undefined {
  return /^\d/.test(text) ? parseId(text) : /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/.exec(text)?.[0];
}

/** Reads a comma list of user or group ids. One that has only commas is refused: the proxy would capture itself. */
export function readIds(text: string): Reading<number[]> {
  const ids = readList(text, parseId, { noun: `ids from 0 to ${highestId}`, example: "1337,1338" });
  return ids.ok && ids.value.length === 0 && text !== "" ? refuse("names no id", 'use one such as "1337"') : ids;
}

/** Reads a comma list of groups, by id or name. */
export function readGroups(text: string): Reading<Group[]> {
  const groups = readList(text, parseGroup, { noun: "groups", example: "1000,java" });
  if (!groups.ok || groups.value.length <= mostGroups) return groups;
  return refuse(`has ${groups.value.length} groups`, `use at most ${mostGroups}`);
}

/** Reads `*` or a comma list of groups. */
export function readGroupsOrAll(text: string): Reading<"all" | Group[]> {
  return readAllOr(text, readGroups);
}
