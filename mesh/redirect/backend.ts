import type { Problem } from "../errors.ts";

/** Who holds the rules in the kernel: iptables on either of its two kinds of tables, or nftables itself. */
export type IptablesBackend = "iptables-nft" | "iptables-legacy";
export type Backend = IptablesBackend | "nftables";

/** What was asked for by flags. */
export interface BackendWish {
  readonly nativeNftables: boolean;
  readonly binary: "auto" | "legacy" | "nft";
}

/** What was found by reading. */
export interface BackendFacts {
  /** Backends whose tools are here and whose tables the kernel lets us read. */
  readonly usable: readonly Backend[];
  /** Why another one is not, for messages. */
  readonly unusable: { readonly [backend in Backend]?: Problem };
  /** Where rules of the mesh stand. */
  readonly standing: readonly Backend[];
  /** Where rules of others stand. */
  readonly others: readonly Backend[];
}

/** Why a backend was chosen. */
export type BackendReason = "asked-for" | "rules-stand-there" | "others-use-it" | "newer-of-two" | "only-one-here";

export type BackendChoice =
  | { readonly chosen: true; readonly backend: Backend; readonly reason: BackendReason }
  | { readonly chosen: false; readonly problems: readonly Problem[] };

export const reasonTexts: Readonly<Record<BackendReason, string>> = {
  "asked-for": "as asked for",
  "rules-stand-there": "rules of the mesh stand there",
  "others-use-it": "others have rules there",
  "newer-of-two": "nobody has rules yet, and it is the newer of the two",
  "only-one-here": "it is the only one that can be used here",
};

/** Both, in the order of preference. */
const iptablesBackends: readonly IptablesBackend[] = ["iptables-nft", "iptables-legacy"];

const byBinary: Readonly<Record<"legacy" | "nft", IptablesBackend>> = {
  legacy: "iptables-legacy",
  nft: "iptables-nft",
};

const nativeIsUsable: Problem = {
  field: "--native-nftables",
  message: "is not set, while nft can be used here",
  remedy: "set it to write nftables' own rules",
};

function choose(backend: Backend, reason: BackendReason, facts: BackendFacts): BackendChoice {
  if (facts.usable.includes(backend)) return { chosen: true, backend, reason };
  const problem = facts.unusable[backend] ?? { field: backend, message: "cannot be used here" };
  return { chosen: false, problems: [problem] };
}

/**
 * Chooses where rules are to be written. Rules of the mesh stay where they stand, in nftables' own tables too, since two
 * backends with the same rules hide one another; then it goes by what others use, since mixing them is what breaks.
 */
export function chooseBackend({ nativeNftables, binary }: BackendWish, facts: BackendFacts): BackendChoice {
  if (nativeNftables) return choose("nftables", "asked-for", facts);
  if (binary !== "auto") return choose(byBinary[binary], "asked-for", facts);
  const standing = [...iptablesBackends, "nftables" as const].find((backend) => facts.standing.includes(backend));
  if (standing !== undefined) return choose(standing, "rules-stand-there", facts);
  const used = iptablesBackends.filter((backend) => facts.others.includes(backend) && facts.usable.includes(backend));
  if (used[0] !== undefined) return choose(used[0], "others-use-it", facts);
  const usable = iptablesBackends.filter((backend) => facts.usable.includes(backend));
  if (usable[0] !== undefined) return choose(usable[0], usable.length > 1 ? "newer-of-two" : "only-one-here", facts);
  const problems = iptablesBackends.flatMap((backend) => facts.unusable[backend] ?? []);
  return { chosen: false, problems: facts.usable.includes("nftables") ? [...problems, nativeIsUsable] : problems };
}
