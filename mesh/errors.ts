/**
 * Every coded error of the product: what a person reads when Outrigger refuses something.
 *
 * A code is stable (people search for it), its sentence says what kind of thing went wrong, and each error carries the
 * problems themselves: which object and field, which value, and what to do about it.
 */
const codes = {
  /** A command line flag is unknown or its value has the wrong form. */
  BAD_FLAG: { exitCode: 255, summary: "the command line is wrong" },
  /** Settings that are readable one by one make no valid whole. */
  BAD_CONFIGURATION: { exitCode: 1, summary: "the configuration is not valid" },
  /** A Kubernetes object given by the user does not have the form it must have. */
  BAD_OBJECT: { exitCode: 1, summary: "the object is not valid" },
  /** What came to the webhook is no AdmissionReview. */
  BAD_REVIEW: { exitCode: 1, summary: "the admission review is not valid" },
  /** Something on this host that the work needs is missing or not allowed. */
  HOST_UNFIT: { exitCode: 1, summary: "this host cannot do what was asked" },
  /** Rules could not be written into the kernel. */
  APPLY_FAILED: { exitCode: 1, summary: "the rules could not be applied" },
  /** The live state is not what was compiled, or traffic is not captured. The CNI repair keys on this exit code. */
  VALIDATION_FAILED: { exitCode: 126, summary: "validation failed" },
  /** The cluster lacks something that the work needs. Nothing was changed. */
  CLUSTER_UNFIT: { exitCode: 1, summary: "this cluster cannot take what was asked" },
  /** The cluster refused something, or did not come to the state that was asked for. */
  CLUSTER_FAILED: { exitCode: 1, summary: "the cluster did not do what was asked" },
  /** What the CNI plugin was given, or what came over the node agent's socket, is not a valid request. */
  BAD_CNI_REQUEST: { exitCode: 1, summary: "the CNI request is not valid" },
  /** Neither the node agent's cache nor the API server knows the Pod that a network is made for. */
  POD_UNKNOWN: { exitCode: 1, summary: "the Pod is not known" },
  /** The node agent has more requests waiting than it takes. */
  AGENT_BUSY: { exitCode: 1, summary: "the node agent is busy" },
  /** The sandbox could not bring something up, or found something left over. */
  SANDBOX_FAILED: { exitCode: 1, summary: "the sandbox failed" },
} as const;

export type ErrorCode = keyof typeof codes;

/** One thing that is wrong, with all a person needs to mend it. */
export interface Problem {
  /** Where it stands: a flag, an environment variable, an annotation, or a path such as `spec.containers[0].name`. */
  readonly field: string;
  /** The value as it was given. */
  readonly value?: string;
  /** What is wrong with it, without a full stop: `is not a port`. */
  readonly message: string;
  /** What to write instead, or what to do. */
  readonly remedy?: string;
}

const longestQuote = 200;

/**
 * A text as a message shows it: quoted, cut where it is long, and with whatever would change the line, the terminal or
 * the order of what is read written as its number.
 */
export function quoted(text: string, longest = longestQuote): string {
  const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
  const shown = JSON.stringify(text.slice(0, longest)).replace(hidden, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`;
  });
  return text.length > longest ? `${shown}… (${text.length} characters)` : shown;
}

/** `-p "70000" is not a port; use a whole number from 1 to 65535` */
export function describeProblem({ field, value, message, remedy }: Problem): string {
  const subject = value === undefined ? field : `${field} ${quoted(value)}`;
  return remedy === undefined ? `${subject} ${message}` : `${subject} ${message}; ${remedy}`;
}

/** An error that a person can act on. It is printed without a stack trace, and `exitCode` ends the process. */
export class OutriggerError extends Error {
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, problems: readonly Problem[], options?: { cause?: unknown }) {
    super([codes[code].summary, ...problems.map(describeProblem)].join("\n  "), options);
    this.name = "OutriggerError";
    this.code = code;
    this.problems = problems;
  }

  get exitCode(): number {
    return codes[this.code].exitCode;
  }
}
