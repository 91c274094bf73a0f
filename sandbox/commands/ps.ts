import { Command, Option } from "commander";
import { askStatus } from "../run/control-client.ts";
import type { ServiceReport, StatusAnswer } from "../supervisor/messages.ts";
import type { PodReport } from "../supervisor/report.ts";
import { withName } from "./options.ts";
import { age, printTable } from "./table.ts";

interface Options {
  readonly name: string;
  readonly output: "table" | "json";
}

const examples = `
Examples:
  outrigger sandbox ps
  outrigger sandbox ps --output json | jq '.pods[].ips'

INJECTED tells whether the webhook added a sidecar, and the rule that decided; "no: not called" means that no webhook
entry selects the Pod, so that the API server would not have asked.
`;

function injected({ injection }: PodReport): string {
  if (injection === undefined) return "";
  return `${injection.injected ? "yes" : "no"}: ${injection.rule.replaceAll("-", " ")}`;
}

function podRow(pod: PodReport, now: number): string[] {
  return [
    pod.namespace,
    pod.name,
    `${pod.ready.count}/${pod.ready.of}`,
    pod.status,
    String(pod.restarts),
    pod.ips.join(","),
    age(now - pod.createdMs),
    injected(pod),
  ];
}

function serviceRow({ namespace, name, clusterIps, ports, endpoints }: ServiceReport): string[] {
  return [namespace, name, clusterIps.join(","), ports.join(","), String(endpoints)];
}

const podHeader = ["NAMESPACE", "POD", "READY", "STATUS", "RESTARTS", "IP", "AGE", "INJECTED"];
const serviceHeader = ["NAMESPACE", "SERVICE", "ADDRESS", "PORTS", "ENDPOINTS"];

function remarks({ namespace, name, explanations, standIns, isReady }: PodReport): string[] {
  const pod = `${namespace}/${name}`;
  const troubles = isReady ? [] : explanations.map((line) => `${pod}: ${line.replaceAll("\n", "\n    ")}`);
  const replaced = standIns.map((container) => `${pod}: an echo server stands in for container ${container}`);
  return [...troubles, ...replaced];
}

/** What `ps` prints. */
export function statusText({ pods, services }: StatusAnswer, now: number): string {
  const parts = [printTable([podHeader, ...pods.map((pod) => podRow(pod, now))])];
  if (services.length > 0) parts.push(printTable([serviceHeader, ...services.map(serviceRow)]));
  const said = pods.flatMap(remarks);
  if (said.length > 0) parts.push(said.map((line) => `${line}\n`).join(""));
  return parts.join("\n");
}

async function run({ name, output }: Options): Promise<void> {
  const status = await askStatus(name);
  process.stdout.write(output === "json" ? `${JSON.stringify(status, null, 2)}\n` : statusText(status, Date.now()));
}

/** `outrigger sandbox ps`: what is up. */
export function psCommand(): Command {
  return withName(new Command("ps"))
    .description("Show the Pods and Services of a sandbox.")
    .addOption(new Option("-o, --output <form>", "how to print it").choices(["table", "json"]).default("table"))
    .addHelpText("after", examples)
    .action(run);
}
