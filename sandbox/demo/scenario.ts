import type { StatusAnswer } from "../supervisor/messages.ts";
import type { ChainCounters } from "./counters.ts";
import type { Hop } from "./hops.ts";
import { workloadName } from "./hops.ts";
import type { Conversation } from "./wire.ts";

/** Where the demo sends requests: from which workload, to where. */
export interface Scenario {
  readonly from: string;
  readonly url: string;
  /** The workloads and directions of the sidecars that it has to pass; `reviews` is either version. */
  readonly path: readonly (readonly [workload: string, direction: Hop["direction"]])[];
}

/** A request, and what became of it. */
export interface DemoAnswer {
  readonly scenario: Scenario;
  readonly requestId: string;
  /** What was answered; undefined when nothing was. */
  readonly body: string | undefined;
  readonly hops: readonly Hop[];
}

const throughTheShop = [
  ["front", "inbound"],
  ["front", "outbound"],
  ["catalog", "inbound"],
  ["catalog", "outbound"],
  ["reviews", "inbound"],
] as const;

/** From inside the mesh, from outside of it, and from inside to outside and in again. */
export const scenarios = {
  inside: {
    from: "shopper",
    url: "http://front/",
    path: [["shopper", "outbound"], ...throughTheShop],
  },
  outside: { from: "till", url: "http://front.shop/", path: throughTheShop },
  outAndIn: {
    from: "shopper",
    url: "http://till.street/",
    path: [["shopper", "outbound"], ...throughTheShop],
  },
} as const satisfies Record<string, Scenario>;

/** Who has spoken with whom after the scenarios. */
export const talkers = [
  ["shopper", "front"],
  ["front", "catalog"],
  ["catalog", "reviews-v1"],
  ["catalog", "reviews-v2"],
  ["till", "front"],
] as const;

/** The version of reviews that answered in the end. */
export function reviewsVersion({ body }: DemoAnswer): string | undefined {
  return /"service":"reviews","version":"(v\d)"/.exec(body ?? "")?.[1];
}

/** Something that must be so. */
export interface Check {
  readonly what: string;
  readonly ok: boolean;
}

function pathText(path: readonly (readonly [string, string])[]): string {
  return path.map(([workload, direction]) => `${workload.replace(/-v\d$/, "")} ${direction}`).join(", ");
}

function answerChecks(answer: DemoAnswer): Check[] {
  const { scenario, requestId, hops } = answer;
  const expected = pathText(scenario.path);
  const passed = pathText(hops.map(({ at, direction }) => [at, direction]));
  const name = `${scenario.from} → ${scenario.url} (${requestId})`;
  return [
    { what: `${name} is answered by all services`, ok: reviewsVersion(answer) !== undefined },
    { what: `${name} passes ${expected}; it passed ${passed === "" ? "none" : passed}`, ok: passed === expected },
  ];
}

function podChecks({ pods }: StatusAnswer): Check[] {
  return pods.flatMap(({ namespace, workload, injection, containers }) => {
    const inMesh = namespace === "shop";
    const init = containers.find(({ name }) => name === "istio-init");
    const initDone = init?.state.state === "terminated" && init.state.exitCode === 0;
    const name = workloadName(workload);
    return [
      { what: `${name} is ${inMesh ? "" : "not "}injected`, ok: injection?.injected === inMesh },
      ...(inMesh ? [{ what: `istio-init of ${name} has succeeded`, ok: initDone }] : []),
    ];
  });
}

function counterChecks(counters: ReadonlyMap<string, ChainCounters>): Check[] {
  return [...counters].map(([workload, { ISTIO_REDIRECT, ISTIO_IN_REDIRECT }]) => {
    const captures = (ISTIO_REDIRECT ?? 0) + (ISTIO_IN_REDIRECT ?? 0) > 0;
    if (workload === "till") return { what: "till has no rules", ok: ISTIO_REDIRECT === undefined };
    return { what: `the rules of ${workload} have captured packets`, ok: captures };
  });
}

/** Between sidecars nothing can be read; of who has none, everything, which shows that the capture sees it. */
export function wireChecks(seen: readonly Conversation[]): Check[] {
  return seen.map(({ client, server, packets, readable }) => {
    const isPlain = client === "till";
    const what = `${client} and ${server} speak ${isPlain ? "plain text" : "mutual TLS"}: ${readable} of ${packets} packets`;
    return { what, ok: packets > 0 && readable > 0 === isPlain };
  });
}

/** Everything that must be so after the demo. */
export function checks(
  status: StatusAnswer,
  answers: readonly DemoAnswer[],
  counters: ReadonlyMap<string, ChainCounters>,
): Check[] {
  const versions = new Set(answers.map(reviewsVersion));
  const both = { what: "both versions of reviews have answered", ok: versions.has("v1") && versions.has("v2") };
  return [...podChecks(status), ...answers.flatMap(answerChecks), both, ...counterChecks(counters)];
}
