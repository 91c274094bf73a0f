import { isPort } from "./ports.ts";
import { accept, type Reading, readAllOr, readList, refuse } from "./reading.ts";

/** Neighbouring ports, both ends included. One port is a range of itself. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export function singlePort(port: number): PortRange {
  return { first: port, last: port };
}

function parsePort(text: string): number | undefined {
  const value = Number(text);
  return /^\d{1,5}$/.test(text) && isPort(value) ? value : undefined;
}

/** Reads `8080`, or a range as iptables (`8000:8099`) or nft (`8000-8099`) writes it. */
export function parsePortRange(text: string): PortRange | undefined {
  const [first, last, ...rest] = text.split(/[:-]/).map(parsePort);
  if (first === undefined || rest.length > 0) return undefined;
  if (!/[:-]/.test(text)) return singlePort(first);
  return last !== undefined && first <= last ? { first, last } : undefined;
}

export function portInRange(port: number, { first, last }: PortRange): boolean {
  return first <= port && port <= last;
}

const portNumbers = { noun: "ports from 1 to 65535", example: "80,8000:8099" };

/** Reads a comma list of ports and ranges. */
export function readPorts(text: string): Reading<PortRange[]> {
  return readList(text, parsePortRange, portNumbers);
}

/** Reads `*` or a comma list of ports and ranges. */
export function readPortsOrAll(text: string): Reading<"all" | PortRange[]> {
  return readAllOr(text, readPorts);
}

/** Reads one port. */
export function readPort(text: string): Reading<number> {
  const port = parsePort(text.trim());
  return port === undefined ? refuse("is not a port", "use a whole number from 1 to 65535") : accept(port);
}
