import type { Paint } from "../commands/paint.ts";
import { printTable } from "../commands/table.ts";
import type { StatusAnswer } from "../supervisor/messages.ts";
import type { PodReport } from "../supervisor/report.ts";
import { type ChainCounters, countedChains } from "./counters.ts";
import { capturePort, type Hop } from "./hops.ts";
import { type Check, type DemoAnswer, reviewsVersion } from "./scenario.ts";
import type { Conversation } from "./wire.ts";

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "  ");
}

function decision({ injection }: PodReport): [string, string] {
  if (injection === undefined) return ["?", ""];
  if (injection.injected) return ["injected", `rule ${injection.rule}, called by ${injection.entry}`];
  if (injection.rule !== "not-called") return ["not injected", `rule ${injection.rule}`];
  const reason = injection.reasons.find((text) => text.includes("istio-injection")) ?? injection.reasons[0] ?? "";
  return ["not injected", `webhook not called: ${reason}`];
}

/** Each Pod, injected or not, and why. */
export function podsText({ pods }: StatusAnswer): string {
  const rows = pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod.ips[0] ?? "", ...decision(pod)]);
  return indented(printTable([["POD", "ADDRESS", "SIDECAR", "BECAUSE"], ...rows]));
}

function hopRow(hop: Hop): string[] {
  const [arrow, side] = hop.direction === "outbound" ? ["→", "out"] : ["←", "in"];
  const { at, peer, responseCode, durationMs } = hop;
  return [`${capturePort(hop)} ${side}`, `of ${at}`, `${arrow} ${peer}`, String(responseCode), `${durationMs} ms`];
}

/** A request and the sidecars that it passed. */
export function answerText(answer: DemoAnswer, remark: string, paint: Paint): string {
  const { scenario, hops } = answer;
  const version = reviewsVersion(answer);
  const end = version === undefined ? paint.bad("failed") : paint.good(`answered, at the end by reviews ${version}`);
  const head = `  ${paint.strong(`${scenario.from} → ${scenario.url}`)}  ${end}  ${paint.faint(remark)}`;
  return `${head}\n${indented(indented(printTable(hops.map(hopRow))))}`;
}

/** What a packet capture between the Pods could read. */
export function conversationsText(seen: readonly Conversation[]): string {
  const rows = seen.map(({ client, server, packets, readable }) => [
    `${client} ↔ ${server}`,
    String(packets).padStart("PACKETS".length),
    readable === 0 ? "nothing" : `${readable} packets`,
    client === "till" ? "it has no sidecar" : "mutual TLS",
  ]);
  return indented(printTable([["BETWEEN", "PACKETS", "READABLE", ""], ...rows]));
}

/** Packets that entered each chain of each Pod. */
export function countersText(counters: ReadonlyMap<string, ChainCounters>): string {
  const names = countedChains;
  const rows = [...counters].map(([workload, counted]) => [
    workload,
    ...names.map((chain) => (counted[chain] === undefined ? "-" : String(counted[chain])).padStart(chain.length)),
  ]);
  return indented(printTable([["POD OF", ...names], ...rows]));
}

export function checksText(checked: readonly Check[], paint: Paint): string {
  const failed = checked.filter(({ ok }) => !ok);
  if (failed.length === 0) return `${paint.good(`✓ all ${checked.length} checks passed`)}\n`;
  const lines = failed.map(({ what }) => `${paint.bad("✗ not so:")} ${what}\n`);
  return `${lines.join("")}${paint.bad(`${failed.length} of ${checked.length} checks failed`)}\n`;
}

/** What to try next, in a sandbox that stays up. */
export function nextSteps(name: string): string {
  const sandbox = "bin/outrigger sandbox";
  const steps = [
    [`${sandbox} ps --name ${name}`, "Pods, Services, decisions"],
    [`${sandbox} exec --name ${name} shopper -- curl -s http://front/`, "another request"],
    [`${sandbox} logs --name ${name} -f front -c istio-proxy`, "Envoy's access log"],
    [`${sandbox} exec --name ${name} front -- curl -s 127.0.0.1:15000/clusters`, "Envoy's admin interface"],
    [`${sandbox} exec --name ${name} --privileged front -- iptables -t nat -L -v -n`, "the rules"],
    [`${sandbox} down --name ${name}`, "the end"],
  ];
  return indented(printTable(steps));
}
