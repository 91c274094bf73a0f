import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Pod } from "../../../mesh/pod.ts";
import { type Agent, agentStarter } from "./agent.ts";
import { type ApiServer, startApiServer } from "./api-server.ts";
import { libcniProgram, pluginProgram } from "./programs.ts";

const root = join(import.meta.dirname, "../../..");

/** The checkout's command. */
export const outriggerProgram = join(root, "bin", "outrigger");

const distributionPlugins = "/usr/lib/cni";

/** Why these tests cannot run here, or false. */
export function unfitForCni(): string | false {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = ["bridge", "portmap", "host-local"].filter((name) => {
    try {
      return !readdirSync(distributionPlugins).includes(name);
    } catch {
      return true;
    }
  });
  return missing.length === 0 ? false : `needs ${missing.join(", ")} in ${distributionPlugins}`;
}

/** A Pod's network namespace, as a runtime makes one before it calls CNI. */
export interface Sandbox {
  readonly id: string;
  readonly netns: string;
  /** Runs a command inside; returns its standard output. */
  run(...command: readonly string[]): string;
}

export interface CniResult {
  readonly interfaces?: readonly { readonly name: string; readonly sandbox?: string }[];
  readonly ips?: readonly { readonly address: string }[];
}

/** What a runtime answers for a chain that failed. */
export class CniFailure extends Error {
  readonly code: number | undefined;
  readonly details: string | undefined;
  constructor({ msg, code, details }: { msg: string; code?: number; details?: string }) {
    super(msg);
    this.code = code;
    this.details = details;
  }
}

export interface CniNode {
  readonly api: ApiServer;
  readonly folder: string;
  readonly programFolder: string;
  readonly networkFile: string;
  /** A new one; with `ofUser` it belongs to a user namespace, as that of a Pod with `hostUsers: false`. */
  sandbox(options?: { readonly ofUser: boolean }): Sandbox;
  /** Runs the chain as a runtime does. */
  call(command: string, sandbox: Sandbox, pod?: Pod, options?: CallOptions): Promise<CniResult | undefined>;
  startAgent(...flags: readonly string[]): Promise<Agent>;
  /** As `startAgent`, by another program than the checkout's command. */
  startAgentAs(program: readonly string[], ...flags: readonly string[]): Promise<Agent>;
  close(): Promise<void>;
}

export interface CallOptions {
  /** Whether the runtime passes the Pod's annotations, as containerd does. */
  readonly annotations?: boolean;
  readonly networkFile?: string;
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** Makes a network namespace that belongs to a user namespace, and mounts it where `ip netns` has its own. */
const namespaceOfUser = `
changes() { until [ "$(readlink /proc/$1/ns/$2)" != "$(readlink /proc/self/ns/$2)" ]; do sleep 0.01; done; }
unshare --user sleep 60 & owner=$!
changes $owner user
for map in uid_map gid_map; do echo "0 100000 65536" >/proc/$owner/$map; done
nsenter --user=/proc/$owner/ns/user unshare --net sleep 60 & inside=$!
changes $inside net
touch "/run/netns/$1" && mount --bind /proc/$inside/ns/net "/run/netns/$1"
kill $owner $inside`;

function network(folder: string, ipv6: boolean) {
  const ranges = [[{ subnet: "10.87.0.0/16" }], ...(ipv6 ? [[{ subnet: "fd00:87::/64" }]] : [])];
  const ipam = { type: "host-local", dataDir: join(folder, "ipam"), ranges, routes: [{ dst: "0.0.0.0/0" }] };
  return {
    cniVersion: "1.0.0",
    name: "pods",
    plugins: [
      { type: "bridge", bridge: "cni0", isGateway: true, ipam },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}

/** A node: folders, a network namespace of its own with the distribution's CNI plugins, an API server. */
export async function createNode({ ipv6 = false } = {}): Promise<CniNode> {
  const id = randomBytes(3).toString("hex");
  const folder = mkdtempSync(join(tmpdir(), "outrigger-cni-"));
  const namespace = `or-node-${id}`;
  const programFolder = join(folder, "bin");
  const networkFile = join(folder, "net.d", "10-pods.conflist");
  for (const name of ["bin", "net.d", "cache", "ipam"]) mkdirSync(join(folder, name));
  for (const name of ["bridge", "portmap", "host-local"]) {
    symlinkSync(join(distributionPlugins, name), join(programFolder, name));
  }
  writeFileSync(networkFile, JSON.stringify(network(folder, ipv6)));
  ip("netns", "add", namespace);
  ip("-n", namespace, "link", "set", "lo", "up");
  const [libcni, program, api] = [libcniProgram(), pluginProgram(), await startApiServer()];
  const startAgentAs = agentStarter({ folder, api, programFolder, program });
  const sandboxes: string[] = [];
  return {
    api,
    folder,
    programFolder,
    networkFile,
    startAgent: (...flags) => startAgentAs([outriggerProgram], ...flags),
    startAgentAs,
    sandbox({ ofUser } = { ofUser: false }) {
      const name = `cni-${id}-${sandboxes.length}`;
      if (ofUser) execFileSync("sh", ["-euc", namespaceOfUser, "sh", name]);
      else ip("netns", "add", name);
      sandboxes.push(name);
      const run = (...command: readonly string[]) =>
        execFileSync("ip", ["netns", "exec", name, ...command], {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "pipe"],
        });
      return { id: `container-${name}`, netns: `/var/run/netns/${name}`, run };
    },
    async call(command, sandbox, pod, options = {}) {
      const request = JSON.stringify({
        containerId: sandbox.id,
        netns: sandbox.netns,
        ifname: "eth0",
        args: pod === undefined ? [] : cniArgs(pod),
        capabilityArgs:
          options.annotations === true ? { "io.kubernetes.cri.pod-annotations": pod?.metadata.annotations ?? {} } : {},
        pluginFolders: [programFolder],
        cacheFolder: join(folder, "cache"),
      });
      const running = promisify(execFile)("ip", [
        "netns",
        "exec",
        namespace,
        libcni,
        command,
        options.networkFile ?? networkFile,
      ]);
      running.child.stdin?.end(request);
      try {
        const { stdout } = await running;
        return stdout === "" ? undefined : (JSON.parse(stdout) as CniResult);
      } catch (error) {
        const { stderr } = error as { stderr: string };
        throw new CniFailure(JSON.parse(stderr.trim().split("\n").at(-1) ?? "{}") as { msg: string });
      }
    },
    async close() {
      await api.close();
      for (const name of [...sandboxes, namespace]) ip("netns", "del", name);
      rmSync(folder, { recursive: true });
    },
  };
}

function cniArgs({ metadata }: Pod): [string, string][] {
  return [
    ["K8S_POD_UID", String(metadata.uid)],
    ["IgnoreUnknown", "1"],
    ["K8S_POD_NAMESPACE", metadata.namespace ?? ""],
    ["K8S_POD_NAME", metadata.name ?? ""],
  ];
}
