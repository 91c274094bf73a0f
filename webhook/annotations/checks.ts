import { readCidrs, readCidrsOrAll } from "../../mesh/cidr.ts";
import { interceptionModes } from "../../mesh/interception-mode.ts";
import { readInterfaces } from "../../mesh/interface-names.ts";
import { readPorts, readPortsOrAll } from "../../mesh/port-list.ts";
import type { Reading } from "../../mesh/reading.ts";
import { isQuantity } from "../config/quantity.ts";

/** What is wrong with a value and what to write instead; undefined if it may stay. */
export type Check = (value: string) => { readonly message: string; readonly remedy: string } | undefined;

/** A check that outrigger init will make of the same text. */
function readable(read: (text: string) => Reading<unknown>): Check {
  return (value) => {
    const reading = read(value);
    return reading.ok ? undefined : reading;
  };
}

/** The peers of an annotation in the values are named in its message, since people know either. */
function known(as: string, check: Check): Check {
  return (value) => {
    const problem = check(value);
    return problem && { ...problem, message: `(${as}) ${problem.message}` };
  };
}

export const checks = {
  includeIpRanges: known("includeIPRanges", readable(readCidrsOrAll)),
  excludeIpRanges: known("excludeIPRanges", readable(readCidrs)),
  portsOrAll: readable(readPortsOrAll),
  ports: readable(readPorts),
  interfaces: readable(readInterfaces),
} as const;

export const mode: Check = (value) =>
  (interceptionModes as readonly string[]).includes(value)
    ? undefined
    : { message: "is not an interception mode", remedy: `use ${interceptionModes.join(", ")}` };

/** A whole number that fits. */
export function wholeNumber(largest: number): Check {
  return (value) =>
    /^\d{1,10}$/.test(value) && Number(value) <= largest
      ? undefined
      : { message: "is not a whole number", remedy: `use one from 0 to ${largest}` };
}

export const quantity: Check = (value) =>
  isQuantity(value) ? undefined : { message: "is not a quantity", remedy: 'use one such as "100m" or "256Mi"' };

/** A truth value in one of the spellings of Kubernetes' tools. */
export const truth: Check = (value) =>
  /^(1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/.test(value)
    ? undefined
    : { message: "is not a truth value", remedy: 'use "true" or "false"' };

/** Text that goes into one argument of a command: control characters would only hide something. */
export const oneLine: Check = (value) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  /[\u0000-\u001f\u007f]/.test(value)
    ? { message: "holds a control character", remedy: "write it on one line" }
    : undefined;
