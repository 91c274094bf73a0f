import { applyCapture, removeCapture, verifyCapture } from "../../host/capture.ts";
import { captureFresh } from "../../host/capture-fresh.ts";
import { run } from "../../host/command.ts";
import { type NetworkNamespace, within } from "../../host/netns.ts";
import { findTools } from "../../host/tools.ts";
import { OutriggerError } from "../../mesh/errors.ts";
import type { Backend, BackendReason } from "../../mesh/redirect/backend.ts";
import { compile } from "../../mesh/redirect/compile.ts";
import { describeDifference } from "../../mesh/redirect/describe.ts";
import type { StateDifference } from "../../mesh/redirect/live/observed.ts";
import type { RuleSet } from "../../mesh/redirect/rule.ts";
import type { NamespaceRules, RuleForm } from "./capture-pod.ts";
import type { NamespaceEntrance } from "./enter-namespaces.ts";

/** Differences that an error names; the log of `outrigger verify` has all. */
const mostDifferences = 5;

const remedies = {
  APPLY_FAILED: "see what else writes rules on this node: they were gone, or others, right after they were written",
  VALIDATION_FAILED: "delete the Pod to have a new one with its rules",
} as const;

function mismatch(code: keyof typeof remedies, differences: readonly StateDifference[]): OutriggerError {
  const remedy = remedies[code];
  const problems = differences.slice(0, mostDifferences).map((difference) => {
    return {
      field: "the Pod's rules",
      message: `are not what was compiled: ${describeDifference(difference)}`,
      remedy,
    };
  });
  return new OutriggerError(code, problems);
}

interface AddressEntry {
  readonly addr_info: readonly { readonly local: string; readonly scope: string }[];
}

async function readAddresses(namespace: NetworkNamespace): Promise<string[]> {
  const text = await run(within(namespace, { file: "ip", args: ["-json", "address"] }));
  const entries = JSON.parse(text) as AddressEntry[];
  return entries.flatMap(({ addr_info }) => addr_info).flatMap(({ local, scope }) => (scope === "host" ? [] : [local]));
}

/** Looks first, and leads whatever stands there to the rule set. Returns the backend if every new namespace has it. */
async function writeByReading(ruleSet: RuleSet, form: RuleForm, namespace: NetworkNamespace) {
  const wish = { nativeNftables: form === "nftables", binary: "auto" } as const;
  const { backend, reason, outcome } = await applyCapture(ruleSet, { namespace, wish });
  const { differences } = await verifyCapture(ruleSet, { namespace, wish });
  if (differences.length === 0) return usualReasons.includes(reason) ? backend : undefined;
  // What stood there before was not whole either: it stays, and the Pod does not start.
  if (outcome === "written") await removeCapture(namespace);
  throw mismatch("APPLY_FAILED", differences);
}

/** Why a backend was chosen that holds for every new namespace of the node, and not for this one alone. */
const usualReasons: readonly BackendReason[] = ["asked-for", "newer-of-two", "only-one-here"];

/**
 * The rules of Pods' network namespaces. The backend is chosen by looking once; from then on new namespaces are written
 * and read back at once, and looked at only when that fails.
 */
export function createNamespaceRules({ namespace }: NamespaceEntrance): NamespaceRules {
  const usual: { [form in RuleForm]?: Backend } = {};
  // The programs are those of the agent's image: looked for once.
  const tools = findTools();
  return {
    addresses: (path) => readAddresses(namespace(path)),
    async write(path, config, form) {
      const ruleSet = compile(config);
      const backend = usual[form];
      if (backend !== undefined && (await captureFresh(ruleSet, backend, namespace(path), tools))) return;
      const chosen = await writeByReading(ruleSet, form, namespace(path));
      if (chosen !== undefined) usual[form] = chosen;
    },
    async check(path, config, form) {
      const wish = { nativeNftables: form === "nftables", binary: "auto" } as const;
      const { differences } = await verifyCapture(compile(config), { namespace: namespace(path), wish });
      if (differences.length > 0) throw mismatch("VALIDATION_FAILED", differences);
    },
  };
}
