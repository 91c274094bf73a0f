import { readPort } from "../mesh/port-list.ts";
import { ports } from "../mesh/ports.ts";
import { accept, type Reading, refuse } from "../mesh/reading.ts";
import { readBoolean } from "../mesh/redirect/capture-setting.ts";
import { readDuration } from "./duration.ts";
import type { FlagDescription } from "./flags.ts";

/** A flag that says what to do, not what to capture. */
export interface OperationFlag<T> extends FlagDescription {
  readonly flag: string;
  readonly default: string;
  readonly read: (text: string) => Reading<T>;
  readonly group: string;
  /** Whether a variable can set it: flags that Istio does not have cannot be set so, their names are too common. */
  readonly variable: boolean;
}

export type Binary = "auto" | "legacy" | "nft";

function readBinary(text: string): Reading<Binary> {
  if (text === "") return accept("auto");
  return text === "legacy" || text === "nft" ? accept(text) : refuse("is no backend", "use legacy or nft");
}

export type OutputFormat = "text" | "json";

function readOutput(text: string): Reading<OutputFormat> {
  return text === "text" || text === "json" ? accept(text) : refuse("is no output format", "use text or json");
}

function readPath(text: string): Reading<string> {
  return text.includes("\0") ? refuse("is not a path", "use a file's path") : accept(text);
}

function readText(text: string): Reading<string> {
  return accept(text);
}

function truth(flag: string, group: string, help: string, more: Partial<OperationFlag<boolean>> = {}) {
  return { flag, group, help, default: "false", read: readBoolean, variable: true, ...more };
}

const rules = "How rules are written:";
const checks = "Checks:";
const output = "Output:";

/** Every flag of `outrigger init` that is no capture setting. */
export const operationFlags = {
  fromPod: {
    flag: "from-pod",
    value: "<file>",
    group: "Settings from a Pod:",
    help: "take the settings from a Pod's annotations (YAML or JSON; - is standard input); other flags win",
    default: "",
    read: readPath,
    variable: false,
  },
  dryRun: truth("dry-run", output, "print what would be written, and touch nothing", { short: "n" }),
  explain: truth("explain", output, "with --dry-run: say why each rule is there", { variable: false }),
  output: {
    flag: "output",
    value: "<format>",
    group: output,
    help: "how configuration and result are printed: text or json",
    default: "text",
    read: readOutput,
    variable: false,
  },
  nativeNftables: truth("native-nftables", rules, "write nftables' own rules instead of iptables'"),
  forceIptablesBinary: {
    flag: "force-iptables-binary",
    value: "<name>",
    group: rules,
    help: "use iptables-legacy or iptables-nft, without looking which is in use",
    default: "",
    read: readBinary,
    variable: true,
  },
  networkNamespace: {
    flag: "network-namespace",
    value: "<path>",
    group: rules,
    help: "write into the network namespace of this file, such as /run/netns/NAME",
    default: "",
    read: readPath,
    variable: true,
  },
  cniMode: truth("cni-mode", rules, "take the defaults of the CNI plugin with --from-pod"),
  reconcile: truth("reconcile", rules, "accepted for Istio's sake: other rules of ours are always reconciled"),
  logOutputLevel: {
    flag: "log_output_level",
    value: "<levels>",
    group: output,
    help: "accepted for Istio's sake, whose injector writes it",
    default: "",
    read: readText,
    variable: false,
  },
  logAsJson: truth("log_as_json", output, "accepted for Istio's sake, whose injector writes it", { variable: false }),
  forceApply: truth("force-apply", rules, "write the rules even if they stand already"),
  cleanupOnly: truth("cleanup-only", rules, "remove every rule, route and address of ours, and write none"),
  skipRuleApply: truth("skip-rule-apply", checks, "write nothing; with --run-validation only check"),
  runValidation: truth(
    "run-validation",
    checks,
    "prove with a connection that traffic is captured (exit code 126 if not)",
  ),
  probePort: {
    flag: "iptables-probe-port",
    value: "<port>",
    group: checks,
    help: "the port that --run-validation connects to",
    default: String(ports.probe),
    read: readPort,
    variable: true,
  },
  probeTimeoutMs: {
    flag: "probe-timeout",
    value: "<time>",
    group: checks,
    help: "how long --run-validation waits for the connection",
    default: "5s",
    read: readDuration,
    variable: true,
  },
} as const;

export type OperationFlagName = keyof typeof operationFlags;

/** What `outrigger init` is to do. */
export type Operation = {
  readonly [name in OperationFlagName]: (typeof operationFlags)[name]["read"] extends (text: string) => Reading<infer T>
    ? T
    : never;
};
