import type { AppliedCapture, RemovedCapture, VerifiedCapture } from "../host/capture.ts";
import { describeProblem, type Problem } from "../mesh/errors.ts";
import { reasonTexts } from "../mesh/redirect/backend.ts";
import type { CaptureConfig } from "../mesh/redirect/config.ts";
import { configJson, describeDifference } from "../mesh/redirect/describe.ts";
import type { OutputFormat } from "./operation.ts";

/** What a run of `outrigger init` has to tell. */
export interface Report {
  readonly config?: CaptureConfig;
  readonly warnings?: readonly Problem[];
  readonly applied?: AppliedCapture;
  readonly removed?: RemovedCapture;
  readonly verified?: VerifiedCapture;
  /** Why nothing was done. */
  readonly nothing?: string;
  readonly validated?: readonly string[];
  /** Whatever else a step has to show, for JSON alone. */
  readonly dryRun?: readonly { readonly command: string; readonly input: string }[];
}

const outcomeTexts: Readonly<Record<AppliedCapture["outcome"], string>> = {
  unchanged: "the rules stand already; nothing changed",
  written: "rules written",
  exchanged: "other rules of the mesh stood there; exchanged",
};

function removedText({ from, routes }: RemovedCapture): string {
  const routeCount = routes.markRoutes.length + (routes.passthroughAddress ? 1 : 0);
  const places = [...from, ...(routeCount > 0 ? ["routes and addresses"] : [])];
  return places.length === 0 ? "nothing of the mesh stood here" : `removed from ${places.join(", ")}`;
}

function textLines({ applied, removed, verified, nothing, validated, config }: Report): string[] {
  const families = config?.ipv6 === true ? "IPv4 and IPv6" : "IPv4";
  return [
    ...(nothing === undefined ? [] : [nothing]),
    ...(applied === undefined
      ? []
      : [`${applied.backend} (${reasonTexts[applied.reason]}), ${families}: ${outcomeTexts[applied.outcome]}`]),
    ...(removed === undefined ? [] : [removedText(removed)]),
    ...(verified === undefined
      ? []
      : [`${verified.backend} (${reasonTexts[verified.reason]}), ${families}: ${verifiedText(verified)}`]),
    ...(verified?.differences ?? []).map((difference) => `  ${describeDifference(difference)}`),
    ...(validated ?? []),
  ];
}

function verifiedText({ differences }: VerifiedCapture): string {
  return differences.length === 0 ? "the live state is what was compiled" : `${differences.length} differences`;
}

/** Prints a report: a few lines for people, or one JSON document. Warnings of the text form go to standard error. */
export function printReport(report: Report, format: OutputFormat): void {
  if (format === "text") {
    for (const warning of report.warnings ?? []) process.stderr.write(`warning: ${describeProblem(warning)}\n`);
    process.stdout.write(
      textLines(report)
        .map((line) => `${line}\n`)
        .join(""),
    );
    return;
  }
  const { config, ...rest } = report;
  const document = { ...(config !== undefined && { config: configJson(config) }), ...rest };
  process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
}
