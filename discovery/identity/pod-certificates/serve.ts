import type { Logger } from "pino";
import { describeError } from "../../../kubernetes/api-error.ts";
import type { Workload } from "../../registry/workload.ts";
import type { MeshAuthority } from "../mesh-authority.ts";
import type { PodCertificateRequest } from "./request.ts";
import { createPodCertificateSigner, type PodCertificateRequests } from "./signer.ts";

/** What may befall the source of the requests. */
export interface RequestSourceEvents {
  /** The API server offers no such requests; told once, until it does. */
  readonly onMissing: () => void;
  readonly onFound: (version: string) => void;
  /** The API server cannot be asked right now; another try follows. */
  readonly onError: (error: unknown) => void;
}

export interface PodCertificateOptions {
  readonly signerName: string;
  readonly requests: (events: RequestSourceEvents) => PodCertificateRequests;
}

/** How a request for a Pod's certificate ended; `taken`: another replica answered, `error`: the answer was not written. */
export type CountedOutcome = "issued" | "denied" | "failed" | "taken" | "error";

/** What signing needs of the control plane around it. */
export interface SigningSurroundings {
  readonly trustDomain: string;
  readonly lifetimeMs: number;
  readonly authority: () => MeshAuthority;
  readonly pod: (key: string) => Workload | undefined;
  readonly log: Logger;
  readonly count: (outcome: CountedOutcome) => void;
}

/** What the log says of a request: whose it is, and nothing of what was signed. */
function described({ metadata, spec }: PodCertificateRequest) {
  const { namespace, name } = metadata ?? {};
  return { pod: `${namespace}/${spec.podName}`, serviceAccount: spec.serviceAccountName, request: name };
}

const missing =
  "the API server offers no PodCertificateRequests, so nothing is signed for kubelets, and sidecars get their keys from " +
  "here: Kubernetes 1.34 or later, with the feature gate PodCertificateRequest and the API switched on (docs/identity.md)";

/** Signs what kubelets ask for, until it is stopped. */
export function servePodCertificates(
  { signerName, requests }: PodCertificateOptions,
  { log, count, ...surroundings }: SigningSurroundings,
): { stop(): void } {
  const source = requests({
    onMissing: () => log.error({ signerName }, missing),
    onFound: (version) => log.info({ signerName, version }, "signing for Pods"),
    onError: (error) => log.warn({ error: describeError(error) }, "PodCertificateRequests not readable"),
  });
  return createPodCertificateSigner({
    ...surroundings,
    signerName,
    requests: source,
    events: {
      onAnswered(request, outcome) {
        count(outcome.kind);
        const { kind, ...details } = outcome;
        const told = { ...described(request), ...details };
        if (kind === "issued") log.info(told, "Pod certificate issued");
        else if (kind === "taken") log.debug(told, "another replica answered for the Pod");
        else log.warn(told, kind === "denied" ? "Pod certificate denied" : "Pod certificate failed");
      },
      onWaiting: (request, why) => log.info({ ...described(request), why }, "Pod certificate waits"),
      onError(request, error) {
        count("error");
        log.error({ ...described(request), error: describeError(error) }, "Pod certificate not written");
      },
    },
  });
}
