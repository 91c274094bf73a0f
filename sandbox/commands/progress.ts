import type { FromSupervisor } from "../supervisor/messages.ts";
import type { InjectionReport, PodReport } from "../supervisor/report.ts";
import type { Paint } from "./paint.ts";

/** `injected: policy`, `not injected: host-network`. */
export function injectionText(injection: InjectionReport | undefined): string {
  if (injection === undefined) return "";
  if (injection.injected) return `injected: ${injection.rule}`;
  return injection.rule === "not-called" ? "not injected: webhook not called" : `not injected: ${injection.rule}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function isTroubled({ isReady, status }: PodReport): boolean {
  return (
    !isReady &&
    !/^(Running|Terminating|Completed|Pending|ContainerCreating|PodInitializing|Init:\d+\/\d+)$/.test(status)
  );
}

/** Tells a person how a sandbox comes up: a line when a Pod is ready, and when one has trouble. */
export function createProgress(paint: Paint, write: (line: string) => void, now: () => number) {
  const begun = now();
  const told = new Set<string>();

  function once(key: string, line: string): void {
    if (told.has(key)) return;
    told.add(key);
    write(line);
  }

  function settledLine(report: PodReport): string {
    const name = `${report.namespace}/${report.name}`;
    const { count, of } = report.ready;
    const part = of === 0 ? "" : ` ${count}/${of}`;
    return `${paint.good("✓")} ${name}  ${report.status}${part}  ${paint.faint(seconds(now() - begun))}  ${injectionText(report.injection)}`;
  }

  function pod(report: PodReport): void {
    const name = `${report.namespace}/${report.name}`;
    for (const warning of report.warnings) once(`${name} ${warning}`, `! ${name}: warning: ${warning}`);
    for (const container of report.containers.filter(({ standIn }) => standIn)) {
      const text = `image "${container.image}" cannot be pulled: an echo server stands in for container ${container.name}`;
      once(`${name} ${container.name}`, paint.bad(`! ${name}: ${text}`));
    }
    if (report.isSettled) once(`${name} settled`, settledLine(report));
    if (!isTroubled(report)) return;
    const reasons = report.explanations.map((line) => `\n    ${line.replaceAll("\n", "\n    ")}`).join("");
    once(`${name} ${report.status} ${reasons}`, `${paint.bad("✗")} ${name}  ${report.status}${reasons}`);
  }

  return (message: FromSupervisor): void => {
    if (message.type === "note") write(paint.faint(`  ${message.text}`));
    if (message.type === "pod") pod(message.report);
    if (message.type === "failed") write(paint.bad(`✗ ${message.message}`));
    if (message.type === "settled") {
      const settled = message.reports.filter(({ isSettled }) => isSettled).length;
      const of = message.reports.filter(({ isReplaced }) => !isReplaced).length;
      const what = message.ready ? paint.good("ready") : paint.bad("not ready");
      write(`${what} after ${seconds(now() - begun)}: ${settled} of ${of} Pods`);
    }
  };
}
