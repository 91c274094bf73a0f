import { parseCidr } from "../../mesh/cidr.ts";
import { interceptionModes } from "../../mesh/interception-mode.ts";
import { portProblem, splitList } from "../../mesh/port-list.ts";
import { isQuantity } from "../config/quantity.ts";

/** What is wrong with a value and what to write instead; undefined if it may stay. */
export type Check = (value: string) => { readonly message: string; readonly remedy: string } | undefined;

const isCidr = (text: string) => parseCidr(text) !== undefined;
const isPortText = (text: string) => portProblem("", text) === undefined;
const interfaceName = /^[a-zA-Z][a-zA-Z0-9_.-]{0,14}$/;

/** A comma list of which each item must pass; `*` alone if it may stand for all. */
function list(isItem: (text: string) => boolean, what: string, example: string, wildcard: boolean): Check {
  return (value) => {
    if (wildcard && value === "*") return undefined;
    const bad = splitList(value).find((item) => !isItem(item));
    if (bad === undefined && !/[^ -~]/.test(value)) return undefined;
    const remedy = wildcard ? `use "*" or a comma list such as "${example}"` : `use a comma list such as "${example}"`;
    return { message: `is not a list of ${what}: "${bad ?? value}" is none`, remedy };
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
  includeIpRanges: known("includeIPRanges", list(isCidr, "CIDRs", "10.0.0.0/8,192.168.0.0/16", true)),
  excludeIpRanges: known("excludeIPRanges", list(isCidr, "CIDRs", "10.0.0.0/8,192.168.0.0/16", false)),
  portsOrAll: list(isPortText, "ports", "80,8080", true),
  ports: list(isPortText, "ports", "80,8080", false),
  interfaces: list((name) => interfaceName.test(name), "interface names", "eth1,net0", false),
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
