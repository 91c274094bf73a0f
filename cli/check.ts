import { styleText } from "node:util";
import { Command, Option } from "commander";
import { checkSnapshot } from "./check/check.ts";
import { type Code, codes, type Finding, type Severity } from "./check/finding.ts";
import { takeSnapshot } from "./check/snapshot.ts";
import { withCluster } from "./cluster/with-cluster.ts";

interface Options {
  readonly context?: string;
  readonly output: "text" | "json";
  readonly ignore: readonly string[];
}

const examples = `
Examples:
  outrigger check
  outrigger check --output json | jq '.[] | select(.severity == "error")'
  outrigger check --ignore OC501 OC406

It reads the cluster and creates one Pod a revision for trial (a server-side dry run: nothing is stored). Before an
installation it tells whether the cluster is fit for one. Exit codes: 0 nothing that breaks injection, 1 at least one
error, 255 a wrong command line.
`;

const styles = { error: "red", warning: "yellow", information: "cyan" } as const;

function coloured(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

function severityOf({ code }: Finding): Severity {
  return codes[code].severity;
}

/** A finding for a person: what is so, what it leads to, what to do. */
export function findingText(finding: Finding): string {
  const { meaning, remedy } = codes[finding.code];
  const severity = severityOf(finding);
  const head = `${coloured(styles[severity], `${finding.code} ${severity}`)}  ${finding.object}: ${finding.message}`;
  return `${head}\n  means   ${meaning}\n  remedy  ${remedy}\n`;
}

function summary(findings: readonly Finding[]): string {
  if (findings.length === 0) return "Nothing to complain about.\n";
  const count = (severity: Severity) => findings.filter((finding) => severityOf(finding) === severity).length;
  return `${count("error")} errors, ${count("warning")} warnings, ${count("information")} for information\n`;
}

function json(findings: readonly Finding[]): string {
  return `${JSON.stringify(
    findings.map((finding) => ({ ...finding, ...codes[finding.code] })),
    undefined,
    2,
  )}\n`;
}

async function run({ context, output, ignore }: Options): Promise<void> {
  const snapshot = await withCluster(context, takeSnapshot);
  const findings = checkSnapshot(snapshot, new Date()).filter(({ code }) => !ignore.includes(code));
  const text = output === "json" ? json(findings) : [...findings.map(findingText), summary(findings)].join("\n");
  process.stdout.write(text);
  if (findings.some((finding) => severityOf(finding) === "error")) process.exitCode = 1;
}

const knownCodes = Object.keys(codes) as Code[];

/** `outrigger check`: whether a cluster is fit for Outrigger, and whether Outrigger works in it. */
export function command(): Command {
  const ignore = new Option("--ignore <code...>", "leave out findings of these codes").choices(knownCodes).default([]);
  return new Command("check")
    .description("Check whether a cluster is fit for Outrigger, and whether Outrigger works in it.")
    .option("--context <name>", "the context of the kubeconfig")
    .addOption(new Option("-o, --output <format>", "the form of the answer").choices(["text", "json"]).default("text"))
    .addOption(ignore)
    .addHelpText("after", examples)
    .action(run);
}
