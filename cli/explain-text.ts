import { styleText } from "node:util";
import { stringify } from "yaml";
import type { Explanation } from "../webhook/explain/explain.ts";
import { unifiedDiff } from "./unified-diff.ts";

const longestLine = 160;

function coloured(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

function verdict({ workload, namespace, outcome, injectedBefore }: Explanation): string {
  const what = {
    sidecar: injectedBefore ? "keeps its sidecar" : "gets a sidecar",
    "no sidecar": "gets no sidecar",
    denied: "is denied",
  };
  return coloured("bold", `${workload} in namespace ${namespace} ${what[outcome]}.`);
}

function callText({ call }: Explanation): string[] {
  if (call.called) return [`The API server asks the webhook, by the entry ${call.entry.name}.`];
  const reasons = call.reasons.map(({ entry, text }) => `  ${entry}: ${text}`);
  const head = reasons.length === 0 ? "nobody has registered the webhook" : "none of its entries selects the Pod:";
  return [`The API server does not ask the webhook: ${head}`, ...reasons];
}

function ruleText({ call, decision, rules, denial }: Explanation): string[] {
  if (denial !== undefined) return [`The webhook ${call.called ? "denies" : "would deny"} the Pod: ${denial}`];
  if (decision === undefined) return [];
  const would = call.called ? "decides" : "would decide, if it were asked";
  const lines = rules.map(({ rule, text, outcome }) => {
    if (outcome !== "decides") return `    ${rule}: ${outcome === "not reached" ? outcome : `${outcome} (${text})`}`;
    return coloured("bold", `  > ${rule}: ${decision.reason}, so ${decision.inject ? "it is injected" : "it is not"}`);
  });
  return [`The webhook ${would}, by the first rule that applies:`, ...lines];
}

function flipText({ flip, outcome }: Explanation): string[] {
  if (outcome === "denied") return [];
  const goal = outcome === "sidecar" ? "To do without a sidecar" : "To get a sidecar";
  if (flip === undefined) return [`${goal}: no change of labels or host network does it here.`];
  return [`${goal}: ${flip.join("; and ")}.`];
}

function shortened(line: string): string {
  return line.length > longestLine ? `${line.slice(0, longestLine)}…` : line;
}

function diffText({ workload, before, after }: Explanation): string[] {
  if (before === after) return [];
  const [one, other] = [before, after].map((object) =>
    stringify(object, { lineWidth: 0 }).split("\n").map(shortened).join("\n"),
  );
  const diff = unifiedDiff(workload, one ?? "", other ?? "");
  return diff === "" ? ["Nothing changes: it is injected already."] : ["What changes:", diff];
}

/** An explanation for a person. */
export function explanationText(explanation: Explanation, { diff }: { readonly diff: boolean }): string {
  const notes = explanation.notes.map((note) => `Note: ${note}`);
  const paragraphs = [
    [verdict(explanation)],
    callText(explanation),
    ruleText(explanation),
    flipText(explanation),
    notes,
    diff ? diffText(explanation) : [],
  ];
  return `${paragraphs
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}
