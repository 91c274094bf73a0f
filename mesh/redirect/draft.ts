import type { IpFamily } from "../address.ts";
import type { Cidr } from "../cidr.ts";
import type { CaptureSettingName } from "./capture-setting.ts";
import { type CaptureConfig, families, loopbackOf, passthroughSource } from "./config.ts";
import type { Owner } from "./match.ts";
import { familyOf, type Match, type Reason, type Rule, type Table, type Target } from "./rule.ts";

/** A rule in the making: its reason and its families are still to come. Without families it is for all that fit. */
export interface Draft {
  readonly table: Table;
  readonly chain: string;
  readonly position: Rule["position"];
  readonly matches: readonly Match[];
  readonly target: Target;
  readonly families?: readonly IpFamily[];
}

/** A rule in the making that knows why it is there. */
export interface ReasonedDraft extends Draft {
  readonly reason: Reason;
}

/** A rule at the end of a chain. */
export function rule(table: Table, chain: string, matches: readonly Match[], target: Target): Draft {
  return { table, chain, position: "append", matches, target };
}

/** A rule in front of the one that has a number, counted from 1. */
export function insert(
  table: Table,
  chain: string,
  position: number,
  matches: readonly Match[],
  target: Target,
): Draft {
  return { table, chain, position, matches, target };
}

/** The drafts, with what asked for them: the setting (`undefined`: always there), and their purpose. */
export function because(
  setting: CaptureSettingName | undefined,
  purpose: string,
  drafts: readonly Draft[],
): ReasonedDraft[] {
  const reason: Reason = setting === undefined ? { purpose } : { setting, purpose };
  return drafts.map((draft) => ({ ...draft, reason }));
}

/** The proxy's users, then its groups. */
export function owners({ proxyUids, proxyGids }: CaptureConfig): Owner[] {
  const users = proxyUids.map((id): Owner => ({ by: "uid", id }));
  return [...users, ...proxyGids.map((id): Owner => ({ by: "gid", id }))];
}

/** The loopback range of each captured family. */
export function loopbacks(config: CaptureConfig): Cidr[] {
  return families(config).map((family) => loopbackOf(config, family));
}

/** The address, in each captured family, from which the proxy calls the application. */
export function passthroughSources(config: CaptureConfig): Cidr[] {
  return families(config).map((family) => passthroughSource[family]);
}

/** The finished rules: each for the captured families that its addresses allow, or none at all. */
export function finish(drafts: readonly ReasonedDraft[], captured: readonly IpFamily[]): Rule[] {
  return drafts.flatMap((draft) => {
    const only = familyOf(draft.matches);
    const written = draft.families ?? captured.filter((family) => only === undefined || only === family);
    return written.length === 0 ? [] : [{ ...draft, families: written }];
  });
}
