import type { Protocol, Target } from "../rule.ts";

/** A number, perhaps with a mask that covers it all: `0x539`, `0x539/0xffffffff`. */
export function parseMarked(text: string): number | undefined {
  const [value, mask, ...rest] = text.split("/");
  if (rest.length > 0 || !/^(0x[0-9a-f]+|\d+)$/i.test(value ?? "")) return undefined;
  return mask === undefined || Number(mask) === 0xffffffff ? Number(value) : undefined;
}

const whole = (options: Map<string, string>, name: string): number | undefined => parseMarked(options.get(name) ?? "");

const port = (options: Map<string, string>, name: string): number | undefined => {
  const text = options.get(name) ?? "";
  return /^\d+$/.test(text) ? Number(text) : undefined;
};

const fullMasks = (options: Map<string, string>): boolean =>
  ["--nfmask", "--ctmask"].every((name) => Number(options.get(name) ?? 0xffffffff) === 0xffffffff);

type ReadTarget = (options: Map<string, string>, protocol: Protocol | undefined) => Target | undefined;

/** The targets that Outrigger writes, by their name after `-j`. */
const targets: ReadonlyMap<string, ReadTarget> = new Map<string, ReadTarget>([
  ["RETURN", () => ({ kind: "return" })],
  ["ACCEPT", () => ({ kind: "accept" })],
  ["DROP", () => ({ kind: "drop" })],
  [
    "REDIRECT",
    (options, protocol) => {
      const to = port(options, "--to-ports") ?? port(options, "--to-port");
      return to === undefined ? undefined : { kind: "redirect", protocol: protocol ?? "tcp", port: to };
    },
  ],
  [
    "MARK",
    (options) => {
      const mark = whole(options, "--set-xmark") ?? whole(options, "--set-mark");
      return mark === undefined ? undefined : { kind: "set-mark", mark };
    },
  ],
  [
    "TPROXY",
    (options) => {
      const [to, mark] = [port(options, "--on-port"), whole(options, "--tproxy-mark")];
      return to === undefined || mark === undefined ? undefined : { kind: "tproxy", port: to, mark };
    },
  ],
  [
    "CONNMARK",
    (options) => {
      if (!fullMasks(options)) return undefined;
      if (options.has("--save-mark")) return { kind: "save-mark" };
      return options.has("--restore-mark") ? { kind: "restore-mark" } : undefined;
    },
  ],
  [
    "CT",
    (options) => {
      const zone = port(options, "--zone");
      return zone === undefined ? undefined : { kind: "conntrack-zone", zone };
    },
  ],
]);

/** A name that is no target of ours is a chain, unless it takes options: then it is a target of others. */
export function parseTarget(
  name: string,
  options: Map<string, string>,
  protocol: Protocol | undefined,
): Target | undefined {
  const known = targets.get(name);
  if (known !== undefined) return known(options, protocol);
  return options.size > 0 ? undefined : { kind: "jump", chain: name };
}
