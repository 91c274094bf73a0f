import { spawn } from "node:child_process";
import { join } from "node:path";
import type { CniNode, Sandbox } from "../../test/sandbox/cni/node.ts";
import { pluginProgram } from "../../test/sandbox/cni/programs.ts";

const plugin = pluginProgram();

/** A Pod and a runtime. */
export interface Case {
  readonly annotations: Record<string, string>;
  /** Whether the runtime passes annotations. */
  readonly passAnnotations: boolean;
}

/** What comes on the plugin's standard input. */
export function configuration(node: CniNode, one: Case, nativeNftables: boolean): string {
  return JSON.stringify({
    cniVersion: "1.0.0",
    name: "pods",
    type: "outrigger-cni",
    run_directory: join(node.folder, "run"),
    exclude_namespaces: ["kube-system"],
    native_nftables: nativeNftables,
    ...(one.passAnnotations && { runtimeConfig: { "io.kubernetes.cri.pod-annotations": one.annotations } }),
    prevResult: {
      cniVersion: "1.0.0",
      interfaces: [{ name: "eth0" }],
      ips: [{ address: "10.0.0.5/24", interface: 0 }],
    },
  });
}

/** Runs a program to its end; returns the milliseconds of wall time. */
export async function timed(file: string, env: Record<string, string>, input: string): Promise<number> {
  const started = performance.now();
  const child = spawn(file, [], { env, stdio: ["pipe", "pipe", "inherit"] });
  // Who needs no input is gone before it has come.
  child.stdin.on("error", () => undefined).end(input);
  child.stdout.resume();
  const code = await new Promise((resolve) => child.once("close", resolve));
  const elapsed = performance.now() - started;
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
  return elapsed;
}

/** One ADD, in milliseconds. */
export async function add(node: CniNode, one: Case, native: boolean, name: string, sandbox: Sandbox): Promise<number> {
  const args = `IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=${name};K8S_POD_UID=uid-${name}`;
  const env = {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: sandbox.id,
    CNI_NETNS: sandbox.netns,
    CNI_IFNAME: "eth0",
    CNI_PATH: "/opt/cni/bin",
    CNI_ARGS: args,
  };
  return timed(plugin, env, configuration(node, one, native));
}
