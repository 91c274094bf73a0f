import type { Cidr } from "../cidr.ts";

export type Family = "ipv4" | "ipv6";
export type Table = "filter" | "mangle" | "nat" | "raw";

/** One condition of a rule. Conditions are printed in the order in which they stand. */
export type Match =
  | { readonly kind: "in-interface" | "out-interface"; readonly name: string }
  | { readonly kind: "protocol"; readonly protocol: "tcp" | "udp" }
  | { readonly kind: "source" | "destination"; readonly cidr: Cidr; readonly negated?: true }
  | { readonly kind: "source-port" | "destination-port"; readonly port: string; readonly negated?: true }
  | { readonly kind: "destination-ports"; readonly ports: readonly string[]; readonly negated?: true }
  | { readonly kind: "owner"; readonly by: "uid" | "gid"; readonly id: string; readonly negated?: true }
  | { readonly kind: "conntrack-state"; readonly states: readonly string[] }
  | { readonly kind: "mark"; readonly mark: string; readonly negated?: true }
  | { readonly kind: "connmark"; readonly mark: string };

/** What happens to a packet that meets every condition. */
export type Target =
  | { readonly kind: "return" | "accept" | "drop" }
  | { readonly kind: "jump"; readonly chain: string }
  | { readonly kind: "redirect"; readonly port: string; readonly protocol: "tcp" | "udp" }
  | { readonly kind: "set-mark"; readonly mark: string }
  | { readonly kind: "tproxy"; readonly mark: string; readonly port: string }
  | { readonly kind: "save-mark" | "restore-mark" }
  | { readonly kind: "conntrack-zone"; readonly zone: number };

export interface Rule {
  readonly table: Table;
  readonly chain: string;
  /** The families that the rule is written for. */
  readonly families: readonly Family[];
  /** Where in the chain: at its end, or in front of the rule that now has this number, counted from 1. */
  readonly position: "append" | number;
  readonly matches: readonly Match[];
  readonly target: Target;
}
