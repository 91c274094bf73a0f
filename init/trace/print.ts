import { formatAddress } from "../../mesh/address.ts";
import { captureSettingTable } from "../../mesh/redirect/capture-setting.ts";
import type { Step } from "../../mesh/redirect/trace/chain.ts";
import { inferReason } from "../../mesh/redirect/trace/infer-reason.ts";
import { formatEndpoint } from "../../mesh/redirect/trace/packet.ts";
import type { Connection, Landing, Trace } from "../../mesh/redirect/trace/trace.ts";

/** Where the connection lands, in words. */
export function describeLanding(landing: Landing): string {
  switch (landing.where) {
    case "captured": {
      const how = landing.by === "tproxy" ? "by TPROXY, its addresses unchanged" : "by REDIRECT";
      return `port ${landing.port} of the Pod, captured ${how}; it asked for ${formatEndpoint(landing.original)}`;
    }
    case "pod":
      return `${formatEndpoint(landing.destination)} in the Pod, not captured`;
    case "outside":
      return `${formatEndpoint(landing.destination)} outside the Pod, not captured`;
    case "dropped":
      return "nowhere: dropped";
  }
}

function reasonOf({ rule, chain }: Step): string | undefined {
  const reason = rule.reason ?? inferReason(chain, rule);
  if (reason === undefined) return undefined;
  return reason.setting === undefined
    ? reason.purpose
    : `${reason.purpose} (--${captureSettingTable[reason.setting].flag})`;
}

const notFollowed = "not understood, and taken for not met";

function stepLines(step: Step): string[] {
  const { hook, table, chain, rule, effect } = step;
  const place = `${hook} ${table} ${chain}`;
  const note = effect === "not-followed" ? notFollowed : reasonOf(step);
  return [`${place.padEnd(38)} ${rule.text}`, ...(note === undefined ? [] : [`${"".padEnd(38)}   ${note}`])];
}

function describeConnection(connection: Connection, { source }: Trace): string {
  const owner =
    connection.from === "pod" ? ` (uid ${connection.owner.uid}, gid ${connection.owner.gid})` : " (outside)";
  return `${connection.protocol} ${formatAddress(source)}${owner} to ${formatEndpoint(connection.destination)}`;
}

/** A trace for people: each rule that the packet met, why it is there, and where the packet lands. */
export function traceText(connection: Connection, trace: Trace, notes: readonly string[]): string {
  const lines = [
    describeConnection(connection, trace),
    "",
    ...trace.steps.flatMap(stepLines),
    ...(trace.steps.length === 0 ? ["no rule is met"] : []),
    "",
    `lands at ${describeLanding(trace.landing)}`,
    ...notes.map((note) => `note: ${note}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** A trace as plain JSON. */
export function traceJson(connection: Connection, trace: Trace, notes: readonly string[]) {
  return {
    connection: describeConnection(connection, trace),
    steps: trace.steps.map((step) => ({
      hook: step.hook,
      table: step.table,
      chain: step.chain,
      rule: step.rule.text,
      effect: step.effect,
      reason: reasonOf(step),
      setting: (step.rule.reason ?? inferReason(step.chain, step.rule))?.setting,
    })),
    landing: { where: trace.landing.where, text: describeLanding(trace.landing), ...landingJson(trace.landing) },
    notes,
  };
}

function landingJson(landing: Landing) {
  if (landing.where === "dropped") return {};
  if (landing.where !== "captured") return { destination: formatEndpoint(landing.destination) };
  return { by: landing.by, port: landing.port, original: formatEndpoint(landing.original) };
}
