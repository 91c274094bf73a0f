import { retryDelayMs } from "../../../kubernetes/retry-delay.ts";
import type { Workload } from "../../registry/workload.ts";
import type { MeshAuthority } from "../mesh-authority.ts";
import { answerTo, type Outcome } from "./answer.ts";
import type { SigningPolicy } from "./decide.ts";
import { isPending, type PodCertificateRequest, podKeyOf } from "./request.ts";
import type { RequestStatus } from "./status.ts";

/** The requests that the API server has. */
export interface PodCertificateRequests {
  /** Calls back with all there are, after each change. */
  follow(changed: (requests: readonly PodCertificateRequest[]) => void): { stop(): void };
  /** Answers a request. `taken`: it is not what it was any more; another replica was faster, or it is gone. */
  answer(request: PodCertificateRequest, status: RequestStatus): Promise<"written" | "taken">;
}

export interface SignerEvents {
  readonly onAnswered: (request: PodCertificateRequest, outcome: Outcome | { readonly kind: "taken" }) => void;
  /** It cannot be answered yet; told once for each reason. */
  readonly onWaiting: (request: PodCertificateRequest, why: string) => void;
  /** The answer could not be written; it is tried again. */
  readonly onError: (request: PodCertificateRequest, error: unknown) => void;
}

export interface PodCertificateSignerOptions extends Omit<SigningPolicy, "authorityEnd"> {
  /** Requests of other signers are theirs. */
  readonly signerName: string;
  readonly requests: PodCertificateRequests;
  readonly authority: () => MeshAuthority;
  /** The Pod under `namespace/name`, as the registry knows it. */
  readonly pod: (key: string) => Workload | undefined;
  readonly events: SignerEvents;
  /** How long to leave a new request to the other replicas, so that one of them mostly does the work; random unless given. */
  readonly hesitateMs?: () => number;
}

interface Entry {
  request: PodCertificateRequest;
  dueAt: number;
  failures: number;
  waitsFor: string | undefined;
  isBusy: boolean;
  /** The version that was answered: until a later one comes there is nothing to do. */
  answered: string | undefined;
}

function newEntry(request: PodCertificateRequest, hesitateMs: number): Entry {
  const dueAt = Date.now() + hesitateMs;
  return { request, dueAt, failures: 0, waitsFor: undefined, isBusy: false, answered: undefined };
}

/** Requests that are worked on at once. */
const mostAtOnce = 16;
const lookAgainMs = 1_000;
const hesitation = () => Math.random() * 200;

/**
 * Answers the requests for one signer's certificates, on each replica alike: whoever is first wins, by the version of the
 * object, and the others find it answered.
 */
export function createPodCertificateSigner(options: PodCertificateSignerOptions): { stop(): void } {
  const { requests, authority, events, hesitateMs = hesitation } = options;
  let entries = new Map<string, Entry>();
  let busy = 0;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  async function attempt(entry: Entry): Promise<void> {
    const { request } = entry;
    try {
      const answer = await answerTo(request, options.pod(podKeyOf(request)), authority(), options);
      entry.dueAt = Date.now() + lookAgainMs;
      if ("waitsFor" in answer) {
        if (answer.waitsFor !== entry.waitsFor) events.onWaiting(request, answer.waitsFor);
        entry.waitsFor = answer.waitsFor;
        return;
      }
      const written = await requests.answer(request, answer.status);
      if (written === "written") entry.answered = request.metadata?.resourceVersion;
      entry.failures = 0;
      events.onAnswered(request, written === "taken" ? { kind: "taken" } : answer.outcome);
    } catch (error) {
      entry.dueAt = Date.now() + retryDelayMs(entry.failures);
      entry.failures += 1;
      events.onError(request, error);
    }
  }

  const isOpen = ({ request, isBusy, answered }: Entry) => !isBusy && answered !== request.metadata?.resourceVersion;

  function work(entry: Entry): void {
    entry.isBusy = true;
    busy += 1;
    void attempt(entry).finally(() => {
      entry.isBusy = false;
      busy -= 1;
      turn();
    });
  }

  /** Begins what is due, and comes back when the next one is. */
  function turn(): void {
    clearTimeout(timer);
    if (isStopped) return;
    const open = [...entries.values()].filter(isOpen).sort((one, other) => one.dueAt - other.dueAt);
    const now = Date.now();
    const due = open.filter(({ dueAt }) => dueAt <= now).slice(0, mostAtOnce - busy);
    for (const entry of due) work(entry);
    const next = open[due.length];
    if (next !== undefined && busy < mostAtOnce) timer = setTimeout(turn, Math.max(1, next.dueAt - now));
  }

  const following = requests.follow((all) => {
    const open = all.filter((request) => isPending(request) && request.spec.signerName === options.signerName);
    const next = open.map((request): [string, Entry] => {
      const uid = request.metadata?.uid ?? "";
      const known = entries.get(uid);
      return [uid, known === undefined ? newEntry(request, hesitateMs()) : Object.assign(known, { request })];
    });
    entries = new Map(next);
    turn();
  });

  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
      following.stop();
    },
  };
}
