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
    pattern: /address family not supported|ipv6.*(disabled|not supported)|can't initialize ip6tables/i,
    message: "finds IPv6 switched off in the kernel",
    remedy: "load the module ip6_tables (ip6table_nat for iptables-legacy), or run without --dual-stack",
  },
  {
    pattern: /can't initialize iptables table|unable to initialize table|do you need to insmod/i,
    message: "finds no such table in the kernel",
    remedy:
      "load the modules iptable_nat, iptable_mangle and iptable_raw on the node, or use --force-iptables-binary nft",
  },
  {
    pattern:
      /protocol not supported|failed to initialize nft|unable to initialize netlink|cache initialization failed/i,
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

/** The line of the input that the message is about: iptables gives its number, nft repeats it. */
function blamedLine({ stderr, input }: ToolFailure): string | undefined {
  const number = /line:? (\d+)|\b(?:stdin|-):(\d+):/.exec(stderr);
  return number === null ? undefined : input.split("\n")[Number(number[1] ?? number[2]) - 1];
}

/** What went wrong when a program that writes rules failed: its own words, what they mean, and what to do. */
export function explainFailure(failure: ToolFailure): Problem {
  const { command, ended, stderr } = failure;
  const said = `${ended}: ${stderr.trim().slice(0, 1000)}`;
  const known = explanations.find(({ pattern }) => pattern.test(stderr));
  if (known !== undefined) return { field: command, message: `${known.message} (${said})`, remedy: known.remedy };
  const line = blamedLine(failure);
  const needed = line === undefined ? undefined : modules.find(([pattern]) => pattern.test(line))?.[1];
  if (line === undefined) return { field: command, message: said };
  const remedy = needed === undefined ? {} : { remedy: `load the kernel module ${needed} on the node` };
  return { field: command, message: `${said}; the line is: ${line}`, ...remedy };
}
