import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { apply } from "./in-process.ts";
import { backends, captureAll, changes, createInitPod, needsRoot } from "./pod.ts";
import { createToolsFolder, type ToolsOptions } from "./tools-folder.ts";

/** Something that a host lacks or forbids, and what a run says of it. */
interface Trouble {
  readonly name: string;
  readonly flags?: readonly string[];
  /** The settings whose rules stand before; none unless given. */
  readonly stands?: readonly string[];
  readonly tools?: ToolsOptions;
  readonly as?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Run in the Pod's namespace before. */
  readonly prepare?: string;
  /** The thing, and the remedy. */
  readonly says: readonly RegExp[];
}

const tproxy = ["-m", "TPROXY"];
const without = (capability: string) => ["setpriv", `--bounding-set=-${capability}`, `--inh-caps=-${capability}`];
const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/** A program that fails with words of the real one, for what cannot be taken from this machine's kernel. */
const failing = (words: string, exitCode: number) => `cat > /dev/null; echo "${words}" >&2; exit ${exitCode}`;
/** The same for nft, which reads as ever, about the first line that has a word. */
const failingNft = (word: string) => `
  [ "$1" = -f ] || exec "$real" "$@"
  line=$(grep -n ${word} | head -1 | cut -d: -f1)
  echo "/dev/stdin:$line:1-9: Error: Could not process rule: No such file or directory" >&2; exit 1`;

const readOnlyFolder = [
  ...["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o ro none /mnt && exec "$@"', "sh"],
] as const;

const missing: readonly Trouble[] = [
  { name: "no program at all", tools: { without: /./ }, says: [/iptables-nft.*not all installed/, /PATH/] },
  {
    name: "nft alone",
    tools: { without: /tables/ },
    says: [/iptables-nft.*not all installed/, /iptables-legacy.*not all installed/, /--native-nftables/],
  },
  {
    name: "no nft for native rules",
    flags: backends.nftables,
    tools: { without: /^nft$/ },
    says: [/nft is not installed/, /install what is missing/],
  },
  {
    name: "no ip6tables",
    tools: { without: /^ip6tables|legacy/ },
    says: [/ip6tables-nft-restore/, /not all installed/],
  },
  { name: "no ip for TPROXY", flags: tproxy, tools: { without: /^ip$/ }, says: [/ip is not installed/, /iproute2/] },
  {
    name: "no ip for IPv6's address",
    flags: ["--dual-stack"],
    tools: { without: /^ip$/ },
    says: [/ip is not installed/, /iproute2/],
  },
  {
    name: "no ip for TPROXY, over other rules",
    stands: captureAll,
    flags: tproxy,
    tools: { without: /^ip$/ },
    says: [/ip is not installed/, /iproute2/],
  },
];

const forbidden: readonly Trouble[] = [
  ...Object.entries(backends).map(([backend, flags]) => ({
    name: `no NET_ADMIN on ${backend}`,
    flags,
    as: without("net_admin"),
    says: [/not permitted/, /capability NET_ADMIN/],
  })),
  {
    name: "no NET_RAW on iptables-legacy",
    flags: backends["iptables-legacy"],
    as: without("net_raw"),
    says: [/table 'nat'/, /NET_ADMIN and NET_RAW/],
  },
  { name: "no root", as: nobody, says: [/is not allowed/, /as root/] },
];

const kernel: readonly Trouble[] = [
  {
    name: "no module owner, in iptables-nft's words",
    tools: {
      scripts: {
        "iptables-nft-restore": failing(
          "Warning: Extension owner revision 0 not supported, missing kernel module?\n" +
            "iptables-nft-restore v1.8.9 (nf_tables): \nline 11: RULE_APPEND failed (No such file or directory)",
          4,
        ),
      },
    },
    says: [/owner/, /module xt_owner/],
  },
  {
    name: "no table nat, in iptables-legacy's words",
    flags: backends["iptables-legacy"],
    tools: {
      scripts: {
        "iptables-legacy-restore": failing(
          "iptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table 'nat'",
          2,
        ),
      },
    },
    says: [/table 'nat'/, /iptable_nat/],
  },
  {
    name: "no TPROXY, in nft's words",
    flags: [...tproxy, ...backends.nftables],
    tools: { scripts: { nft: failingNft("'tproxy ip'") } },
    says: [/tproxy ip to :15006/, /module .*nft_tproxy/],
  },
  {
    name: "no IPv6 in ip6tables, over other rules",
    stands: [...captureAll, "--redirect-dns", "--capture-all-dns"],
    flags: ["--dual-stack"],
    tools: {
      scripts: {
        "ip6tables-nft-restore": failing(
          "ip6tables-nft-restore v1.8.9 (nf_tables): Could not fetch rule set generation id: Address family not supported by protocol",
          4,
        ),
      },
    },
    says: [/ip6tables-nft-restore/, /IPv6/, /--dual-stack/],
  },
  {
    name: "IPv6 switched off for loopback",
    flags: ["--dual-stack"],
    prepare: "sysctl -qw net.ipv6.conf.lo.disable_ipv6=1",
    says: [/IPv6 is disabled/, /net\.ipv6\.conf\.lo\.disable_ipv6/],
  },
];

const lock: readonly Trouble[] = [
  {
    name: "a lock in a folder that is read-only",
    flags: backends["iptables-legacy"],
    as: readOnlyFolder,
    env: { XTABLES_LOCKFILE: "/mnt/xtables.lock" },
    says: [/Read-only file system/, /writable \/run.*XTABLES_LOCKFILE/],
  },
  {
    name: "a lock that another program keeps",
    flags: backends["iptables-legacy"],
    // The run waits for 20 s; what it says then is the same.
    tools: {
      scripts: {
        "iptables-legacy-restore": `exec flock "$folder/xtables.lock" env XTABLES_LOCKFILE="$folder/xtables.lock" "$real" --noflush --wait 1`,
      },
    },
    says: [/lock of xtables: another program holds it/, /wait until/],
  },
];

suite("what a host lacks is named, with the remedy, and nothing is half-applied", { skip: needsRoot }, () => {
  for (const { name, flags = [], stands, tools: options, as = [], env = {}, prepare, says } of [
    ...missing,
    ...forbidden,
    ...kernel,
    ...lock,
  ]) {
    test(name, async (context) => {
      const pod = createInitPod(context);
      const tools = createToolsFolder(context, options);
      if (stands !== undefined) await apply(pod, stands);
      if (prepare !== undefined) pod.shell(prepare);
      const before = pod.rules();
      const run = await pod.init([...captureAll, ...flags], { env: { PATH: tools.path, ...env }, as });
      assert.equal(run.code, 1, run.stdout);
      for (const pattern of says) assert.match(run.stderr, pattern);
      assert.doesNotMatch(run.stderr, /\n\s+at /);
      assert.deepEqual(changes(before, pod.rules()), []);
    });
  }
});

suite("what a run does not need may be missing", { skip: needsRoot }, () => {
  const works: Readonly<Record<string, Omit<Trouble, "name" | "says"> & { readonly says: RegExp }>> = {
    "IPv6 switched off, and ip6tables failing": {
      flags: ["--dual-stack"],
      prepare: "sysctl -qw net.ipv6.conf.all.disable_ipv6=1",
      tools: { scripts: { "ip6tables-nft-restore": failing("Address family not supported by protocol", 4) } },
      says: /^iptables-nft .*, IPv4: rules written/,
    },
    "a kernel without nf_tables": {
      tools: { scripts: { nft: failing("netlink: Error: cache initialization failed: Protocol not supported", 1) } },
      says: /^iptables-legacy \(it is the only one that can be used here\)/,
    },
    "iptables-legacy alone": { tools: { without: /nft/ }, says: /^iptables-legacy \(it is the only one/ },
    "ip, where nothing is routed": { tools: { without: /^ip$/ }, says: /: rules written/ },
    "ip, where nothing is routed, and rules stand": {
      stands: [...captureAll, "-p", "15101"],
      tools: { without: /^ip$/ },
      says: /: other rules of the mesh stood there; exchanged/,
    },
  };
  for (const [name, { flags = [], stands, tools: options, prepare, says }] of Object.entries(works)) {
    test(name, async (context) => {
      const pod = createInitPod(context);
      const tools = createToolsFolder(context, options);
      if (stands !== undefined) await apply(pod, stands);
      if (prepare !== undefined) pod.shell(prepare);
      const run = await pod.init([...captureAll, ...flags], { env: { PATH: tools.path } });
      assert.equal(run.code, 0, run.stderr);
      assert.match(run.stdout, says);
    });
  }
});
