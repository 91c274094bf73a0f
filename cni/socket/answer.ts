import { type ErrorCode, OutriggerError, type Problem } from "../../mesh/errors.ts";

/** An error as the CNI specification has it; the plugin adds the version and prints it. */
export interface CniError {
  readonly code: number;
  /** What went wrong: the Pod's event shows it. */
  readonly msg: string;
  /** What to do about it; shown after `msg`. */
  readonly details?: string;
}

/** What goes back to the plugin. */
export type PluginAnswer = { readonly ok: true } | { readonly ok: false; readonly error: CniError };

/** Numbers below 100 are the specification's, the others ours; docs/cni.md lists them. */
export const cniErrorCodes = {
  invalidConfiguration: 7,
  tryAgain: 11,
  badPodSettings: 100,
  applyFailed: 101,
  hostUnfit: 102,
  rulesMissing: 103,
  unexpected: 199,
} as const;

const codeOf: { readonly [code in ErrorCode]?: number } = {
  BAD_CNI_REQUEST: cniErrorCodes.invalidConfiguration,
  POD_UNKNOWN: cniErrorCodes.tryAgain,
  AGENT_BUSY: cniErrorCodes.tryAgain,
  BAD_CONFIGURATION: cniErrorCodes.badPodSettings,
  APPLY_FAILED: cniErrorCodes.applyFailed,
  HOST_UNFIT: cniErrorCodes.hostUnfit,
  VALIDATION_FAILED: cniErrorCodes.rulesMissing,
};

function describe({ field, value, message }: Problem): string {
  return value === undefined ? `${field} ${message}` : `${field} ${JSON.stringify(value)} ${message}`;
}

/** Events are cut at 1,024 characters, and the runtime adds its own. */
const longest = { msg: 600, details: 300 } as const;

/** Any error as one of CNI. What is not an OutriggerError is a defect of ours; its text is for the agent's log alone. */
export function cniError(error: unknown): CniError {
  if (!(error instanceof OutriggerError)) {
    const details = "look at the log of the agent's Pod on this node (label app=outrigger-cni)";
    return { code: cniErrorCodes.unexpected, msg: "the Outrigger node agent met an unexpected error", details };
  }
  const msg = error.problems.map(describe).join("; ").slice(0, longest.msg);
  const remedies = new Set(error.problems.flatMap(({ remedy }) => remedy ?? []));
  const details = [...remedies].join("; ").slice(0, longest.details);
  const code = codeOf[error.code] ?? cniErrorCodes.unexpected;
  return details === "" ? { code, msg } : { code, msg, details };
}
