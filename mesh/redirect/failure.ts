import type { Problem } from "../errors.ts";

/** What a program said when it failed, and what it was given. */
export interface ToolFailure {
  /** The command line, to paste. */
  readonly command: string;
  readonly ended: string;
  readonly stderr: string;
  /** What was on its standard input. */
  readonly input: string;
}

interface Explanation {
  readonly pattern: RegExp;
  /** `$1` stands for what the pattern caught. */
  readonly message: string;
  readonly remedy: string;
}

/** What the programs' own messages mean. The first that fits counts. */
const explanations: readonly Explanation[] = [
  {
    pattern: /xtables lock|another app is currently holding/i,
    message: "did not get the lock of xtables: another program holds it",
    remedy: "wait until that program is done, and run this again",
  },
  {
    pattern: /can't open lock file .*read-only file system/i,
    message: "cannot write the lock of xtables: its folder is read-only",
    remedy: "mount a writable /run (an emptyDir will do), or set XTABLES_LOCKFILE to a writable path",
  },
  {
    pattern: /can't open lock file/i,
    message: "cannot open the lock of xtables",
    remedy: "run as root, or set XTABLES_LOCKFILE to a path that can be written",
  },
  {
    pattern: /permission denied|operation not permitted|must be root/i,
    message: "is not allowed to change rules",
    remedy: "give the container the capability NET_ADMIN (and NET_RAW for iptables-legacy), and run it as root",
  },
  {
    pattern: /ipv6 is disabled on/i,
    message: "finds IPv6 switched off for an interface of this network namespace",
    remedy: "set the sysctls net.ipv6.conf.all.disable_ipv6 and net.ipv6.conf.lo.disable_ipv6 to 0",
  },
  {
    pattern: /extension (\w+) revision \d+ not supported/i,
    message: "finds no extension $1 in the kernel",
    remedy: "load the kernel module xt_$1 on the node",
  },
  {
    pattern: /couldn't load (?:match|target) [`'](\w+)'/i,
    message: "has no extension $1",
    remedy: "install iptables whole: its file libxt_$1.so is missing",
  },
  {
    pattern: /chain_add failed/i,
    message: "cannot make its chains in the kernel",
    remedy: "load the kernel modules nf_tables and nft_chain_nat on the node, or use --force-iptables-binary legacy",
  },
  {
    pattern: /address family not supported|ipv6.*(disabled|not supported)|can't initialize ip6tables/i,
    message: "finds IPv6 switched off in the kernel",
    remedy: "load the module ip6_tables (ip6table_nat for iptables-legacy), or run without --dual-stack",
  },
  {
    pattern: /can't initialize iptables table|unable to initialize table|do you need to insmod/i,
    message: "finds no such table in the kernel, or may not use it",
    remedy:
      "give the container the capabilities NET_ADMIN and NET_RAW; if it has them, load the modules iptable_nat, " +
      "iptable_mangle and iptable_raw on the node, or use --force-iptables-binary nft",
  },
  {
    pattern:
      /protocol not supported|failed to initialize nft|unable to initialize netlink|cache initialization failed|generation id|table_add failed/i,
    message: "finds no nf_tables in the kernel",
    remedy: "load the module nf_tables on the node, or use --force-iptables-binary legacy",
  },
];

/** Which kernel module a part of a rule needs, in the words of iptables or of nft. */
const modules: readonly [RegExp, string][] = [
  [/-j TPROXY|\btproxy ip/, "xt_TPROXY (nft_tproxy)"],
  [/-m owner|\bsk[ug]id\b/, "xt_owner"],
  [/-m conntrack|\bct state\b/, "xt_conntrack (nft_ct)"],
  [/-j CT\b|\bct zone\b/, "xt_CT (nft_ct)"],
  [/CONNMARK|connmark|\bct mark\b/, "xt_connmark"],
  [/-m multiport/, "xt_multiport"],
  [/-j REDIRECT|\bredirect to\b/, "xt_REDIRECT (nft_redir)"],
  [/-m mark|-j MARK|\bmark\b/, "xt_mark"],
  [/type nat hook/, "nft_chain_nat"],
];

/** The line of the input that the message is about, counted from 0: iptables gives its number, nft its place. */
function blamedIndex(stderr: string): number | undefined {
  const number = /line:? (\d+)|\b(?:stdin|-):(\d+):/.exec(stderr);
  return number === null ? undefined : Number(number[1] ?? number[2]) - 1;
}

/** The lines that may be to blame: iptables-legacy blames the COMMIT of a table for any of its rules. */
function blamedLines({ stderr, input }: ToolFailure): string[] {
  const lines = input.split("\n");
  const index = blamedIndex(stderr);
  const line = index === undefined ? undefined : lines[index];
  if (index === undefined || line === undefined) return [];
  if (line !== "COMMIT") return [line];
  const start = lines.slice(0, index).findLastIndex((each) => each.startsWith("*"));
  return lines.slice(start + 1, index);
}

function modulesOf(lines: readonly string[]): string[] {
  return [...new Set(lines.flatMap((line) => modules.find(([pattern]) => pattern.test(line))?.[1] ?? []))];
}

/** A known failure's sentence, with what its pattern caught. */
function filled(text: string, found: RegExpExecArray): string {
  return text.replace("$1", found[1] ?? "");
}

/** What went wrong when a program that writes rules failed: its own words, what they mean, and what to do. */
export function explainFailure(failure: ToolFailure): Problem {
  const { command, ended, stderr } = failure;
  const said = `${ended}: ${stderr.trim().slice(0, 1000)}`;
  for (const { pattern, message, remedy } of explanations) {
    const found = pattern.exec(stderr);
    if (found === null) continue;
    return { field: command, message: `${filled(message, found)} (${said})`, remedy: filled(remedy, found) };
  }
  const lines = blamedLines(failure);
  const needed = modulesOf(lines);
  const place = lines.length === 1 ? `${said}; the line is: ${lines[0]}` : said;
  if (needed.length === 0) return { field: command, message: place };
  const which = needed.length === 1 ? "the kernel module" : "whichever is missing of the kernel modules";
  return { field: command, message: place, remedy: `load ${which} ${needed.join(", ")} on the node` };
}
