import { setTimeout as sleep } from "node:timers/promises";
import { enterSandbox } from "../commands/exec.ts";
import { findPod } from "../commands/find-pod.ts";
import { askApply, askDelete, askScale, askStatus } from "../run/control-client.ts";
import type { StatusAnswer } from "../supervisor/messages.ts";
import { type HeldCertificates, heldCertificates, newRoot } from "./authority.ts";
import { execIn, runProgram } from "./probe-sandbox.ts";
import type { Check } from "./scenario.ts";
import { type Traffic, total } from "./traffic.ts";

/** What is done to the mesh while requests go from shopper to reviews, and what must come of it. */
export interface MeshStep {
  readonly title: string;
  readonly run: (scene: Scene) => Promise<StepResult>;
}

export interface Scene {
  readonly name: string;
  readonly traffic: Traffic;
}

export interface StepResult {
  readonly lines: readonly string[];
  readonly checks: readonly Check[];
}

const patienceMs = 20_000;
const pollMs = 100;
const fewRequests = 20;

/** Waits until `probe` says that it is so, or for a while. */
async function eventually(probe: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + patienceMs;
  while (!(await probe())) {
    if (Date.now() > deadline) return false;
    await sleep(pollMs);
  }
  return true;
}

function sentence({ answers, failures }: Traffic): string {
  const byPod = [...answers()].map(([pod, count]) => `${count} by ${pod}`).sort();
  return `meanwhile ${total(answers()) + failures().length} requests, ${failures().length} failed; ${byPod.join(", ")}`;
}

function noneFailed({ failures }: Traffic, when: string): Check {
  return { what: `no request fails ${when}: ${failures().slice(0, 3).join("; ")}`, ok: failures().length === 0 };
}

async function moreRequests(traffic: Traffic, count = fewRequests): Promise<void> {
  const before = total(traffic.answers());
  await traffic.until(() => total(traffic.answers()) >= before + count);
}

/** Each request goes to the Pod that has the least to do. */
async function spread({ traffic }: Scene): Promise<StepResult> {
  traffic.restart();
  await moreRequests(traffic);
  const both = {
    what: "requests of one client are spread over both Pods of reviews",
    ok: traffic.answers().size === 2,
  };
  return { lines: [sentence(traffic)], checks: [both, noneFailed(traffic, "at rest")] };
}

function meshed({ pods }: StatusAnswer): string[] {
  return pods.filter(({ injection }) => injection?.injected).map(({ name }) => name);
}

/** Waits until the certificates of every sidecar are as they should be. */
async function allHold(name: string, isSo: (held: HeldCertificates, pod: string) => boolean): Promise<boolean> {
  const status = await askStatus(name);
  const holds = meshed(status).map((pod) =>
    eventually(async () => {
      const held = await heldCertificates(name, status, pod);
      return held !== undefined && isSo(held, pod);
    }),
  );
  return (await Promise.all(holds)).every(Boolean);
}

async function replaceRoot({ name, traffic }: Scene): Promise<StepResult> {
  traffic.restart();
  const root = await newRoot(name);
  const before = new Map<string, string>();
  await root.trustBoth();
  const trusted = await allHold(name, ({ serialNumber, roots }, pod) => {
    before.set(pod, serialNumber);
    return roots === 2;
  });
  await root.sign();
  const renewed = await allHold(name, ({ serialNumber }, pod) => serialNumber !== before.get(pod));
  await moreRequests(traffic);
  return {
    lines: [`${before.size} sidecars trust both roots, then have certificates of the new one`, sentence(traffic)],
    checks: [
      { what: "every sidecar comes to trust both roots", ok: trusted },
      { what: "every sidecar gets a certificate of the new root", ok: renewed },
      noneFailed(traffic, "while certificates are replaced"),
    ],
  };
}

/** A request that the killed Pod is answering at that moment is lost; there is one at a time. */
async function killAndScale({ name, traffic }: Scene): Promise<StepResult> {
  traffic.restart();
  const killed = findPod((await askStatus(name)).pods, "reviews-v1", "shop");
  const existing = (await askStatus(name)).pods.map((pod) => pod.name);
  await askScale(name, { namespace: "shop", workload: "reviews-v2", replicas: 2, graceMs: 0 });
  await askDelete(name, { namespace: killed.namespace, pod: killed.name, graceMs: 0 });
  const lost = traffic.failures().length;
  const byKilled = traffic.answers().get(killed.name) ?? 0;
  const newcomers = () => [...traffic.answers().keys()].filter((pod) => !existing.includes(pod));
  const joined = await traffic.until(() => newcomers().length === 2);
  await moreRequests(traffic);
  const later = traffic.failures().length - lost;
  return {
    lines: [`${killed.name} is killed and replaced, reviews-v2 scaled to 2`, sentence(traffic)],
    checks: [
      { what: "the new Pods of reviews are sent requests", ok: joined },
      {
        what: `at most one request is lost with its Pod; ${lost} were: ${traffic.failures().join("; ")}`,
        ok: lost <= 1,
      },
      { what: `no request fails after that; ${later} did: ${traffic.failures().join("; ")}`, ok: later === 0 },
      { what: "the killed Pod is left out", ok: (traffic.answers().get(killed.name) ?? 0) === byKilled },
    ],
  };
}

async function tillIsServed(name: string): Promise<boolean> {
  return (await execIn(name, await askStatus(name), "till", ["node", "/shop/get.mjs", "http://front.shop/"])).ok;
}

async function strict({ name, traffic }: Scene): Promise<StepResult> {
  traffic.restart();
  const policy = (mode: string) =>
    askApply(name, [
      { kind: "PeerAuthentication", metadata: { name: "default", namespace: "shop" }, spec: { mtls: { mode } } },
    ]);
  await policy("STRICT");
  const refused = await eventually(async () => !(await tillIsServed(name)));
  await moreRequests(traffic);
  await policy("PERMISSIVE");
  const served = await eventually(() => tillIsServed(name));
  return {
    lines: ["till, which has no sidecar, is refused by front, and served again after that", sentence(traffic)],
    checks: [
      { what: "STRICT refuses till, which speaks plain text", ok: refused },
      { what: "PERMISSIVE serves till again", ok: served },
      noneFailed(traffic, "between Pods with sidecars"),
    ],
  };
}

async function killDiscovery({ name, traffic }: Scene): Promise<StepResult> {
  const { discovery } = await askStatus(name);
  await runProgram(enterSandbox(name, ["kill", "-KILL", String(discovery?.pid ?? 0)]));
  const gone = await eventually(async () => (await askStatus(name)).discovery === undefined);
  traffic.restart();
  await moreRequests(traffic);
  const throughAll = await execIn(name, await askStatus(name), "shopper", ["node", "/shop/get.mjs", "http://front/"]);
  return {
    lines: [sentence(traffic)],
    checks: [
      { what: "discovery is gone", ok: gone },
      { what: "without discovery all services answer", ok: throughAll.ok },
      noneFailed(traffic, "without discovery"),
    ],
  };
}

export const meshSteps: readonly MeshStep[] = [
  { title: "Load: every request goes to the Pod with the least to do", run: spread },
  { title: "Identity: another root signs all certificates", run: replaceRoot },
  { title: "Endpoints: a Pod is killed, others join", run: killAndScale },
  { title: "Policy: STRICT", run: strict },
];

/** The last: nothing changes in the mesh after it. */
export const withoutDiscovery: MeshStep = { title: "The control plane is killed", run: killDiscovery };
