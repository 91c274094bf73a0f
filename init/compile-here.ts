import { groupId } from "../host/facts.ts";
import { compile } from "../mesh/redirect/compile.ts";
import type { CaptureConfig } from "../mesh/redirect/config.ts";
import { withGroupIds } from "../mesh/redirect/group-ids.ts";
import type { RuleSet } from "../mesh/redirect/rule.ts";

/**
 * The rules as they will stand in the kernel of this machine, which knows groups by id.
 * @throws OutriggerError BAD_CONFIGURATION for a group that is not known here
 */
export function compileHere(config: CaptureConfig): RuleSet {
  return withGroupIds(compile(config), groupId);
}
