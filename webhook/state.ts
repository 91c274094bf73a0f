import { type ClusterFacts, noClusterFacts } from "./cluster-facts.ts";
import type { InjectionSettings } from "./settings.ts";

/** What is known of the certificate that is served. */
export interface ServedCertificate {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Whether the API servers would accept the certificate that is served. */
export interface Trust {
  /** How many registrations send reviews here, as far as the server knows. */
  readonly registrations: number;
  /** Those of them whose caBundle does not accept it, by name. */
  readonly distrusting: readonly string[];
}

/**
 * The server's live values. A request reads each of them once; whoever learns something new swaps the whole value.
 */
export interface ServerState {
  settings: InjectionSettings | undefined;
  facts: ClusterFacts;
  certificate: ServedCertificate | undefined;
  trust: Trust;
  listening: boolean;
  /** Set once, when the process was told to end. */
  draining: boolean;
}

export function createState(): ServerState {
  return {
    settings: undefined,
    facts: noClusterFacts,
    certificate: undefined,
    trust: { registrations: 0, distrusting: [] },
    listening: false,
    draining: false,
  };
}

function certificateProblem(certificate: ServedCertificate | undefined, now: Date): string | undefined {
  if (certificate === undefined) return "no certificate is loaded";
  if (now >= certificate.notAfter) return `the certificate expired at ${certificate.notAfter.toISOString()}`;
  if (now < certificate.notBefore) return `the certificate is not valid before ${certificate.notBefore.toISOString()}`;
  return undefined;
}

/** One registration of many may be broken, or forbidden to us; with none left, nobody can call. */
function trustProblem({ registrations, distrusting }: Trust): string | undefined {
  if (distrusting.length === 0 || distrusting.length < registrations) return undefined;
  return `the certificate's authority is not in the caBundle of ${distrusting.join(", ")}`;
}

/** Why the API server should not call us now, one sentence each; empty when ready. */
export function notReadyReasons(
  { settings, certificate, trust, listening, draining }: ServerState,
  now: Date,
): string[] {
  const reasons = [
    certificateProblem(certificate, now),
    trustProblem(trust),
    settings === undefined ? "no configuration is loaded" : undefined,
    listening ? undefined : "the port is not open",
    draining ? "the server is shutting down" : undefined,
  ];
  return reasons.filter((reason) => reason !== undefined);
}
