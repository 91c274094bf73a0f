import type { IpFamily } from "../address.ts";
import type { Cidr } from "../cidr.ts";
import type { PortRange } from "../port-list.ts";
import type { CaptureSettingName } from "./capture-setting.ts";
import type { Group } from "./config.ts";
import type { Routes } from "./routes.ts";

/** The tables that Outrigger writes to. */
export type Table = "mangle" | "nat" | "raw";

export type Protocol = "tcp" | "udp";

/** A condition that can be met or, negated, must not be. */
type Negatable<T> = T & { readonly negated: boolean };

/** One condition of a rule. Conditions are printed in the order in which they stand. */
export type Match =
  | { readonly kind: "in-interface" | "out-interface"; readonly name: string }
  | { readonly kind: "protocol"; readonly protocol: Protocol }
  | { readonly kind: "family"; readonly family: IpFamily }
  | Negatable<{ readonly kind: "source" | "destination"; readonly cidr: Cidr }>
  | Negatable<{
      readonly kind: "source-port" | "destination-port";
      readonly protocol: Protocol;
      readonly ports: readonly PortRange[];
    }>
  | Negatable<{ readonly kind: "owner"; readonly by: "uid" | "gid"; readonly id: Group }>
  | { readonly kind: "conntrack-state"; readonly states: readonly ConntrackState[] }
  | Negatable<{ readonly kind: "mark" | "connmark"; readonly mark: number }>;

export type ConntrackState = "NEW" | "INVALID" | "RELATED" | "ESTABLISHED";

/** What happens to a packet that meets every condition. */
export type Target =
  | { readonly kind: "return" | "accept" | "drop" }
  | { readonly kind: "jump"; readonly chain: string }
  | { readonly kind: "redirect"; readonly protocol: Protocol; readonly port: number }
  | { readonly kind: "set-mark"; readonly mark: number }
  | { readonly kind: "tproxy"; readonly port: number; readonly mark: number }
  | { readonly kind: "save-mark" | "restore-mark" }
  | { readonly kind: "conntrack-zone"; readonly zone: number };

/** Why a rule stands there: the setting that asked for it, if one did, and what the rule is for. */
export interface Reason {
  readonly setting?: CaptureSettingName;
  readonly purpose: string;
}

export interface Rule {
  readonly table: Table;
  /** The chain by its iptables name; built-in chains are PREROUTING and OUTPUT. */
  readonly chain: string;
  /** The families that the rule is written for. */
  readonly families: readonly IpFamily[];
  /** Where in the chain: at its end, or in front of the rule that then has this number, counted from 1. */
  readonly position: "append" | number;
  readonly matches: readonly Match[];
  readonly target: Target;
  readonly reason: Reason;
}

/** Everything that is written into the kernel for one Pod. */
export interface RuleSet {
  readonly families: readonly IpFamily[];
  /** In the order in which they are added. */
  readonly rules: readonly Rule[];
  readonly routes: Routes;
}

/** What stands where nothing is captured. */
export const noRules: RuleSet = { families: [], rules: [], routes: { markRoutes: [], passthroughAddress: false } };

export const builtInChains = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"] as const;

export function isBuiltIn(chain: string): boolean {
  return (builtInChains as readonly string[]).includes(chain);
}

/** The family to which a condition's address restricts a rule, if one does. */
export function familyOf(matches: readonly Match[]): IpFamily | undefined {
  for (const match of matches) {
    if (match.kind === "source" || match.kind === "destination") return match.cidr.family;
    if (match.kind === "family") return match.family;
  }
  return undefined;
}
