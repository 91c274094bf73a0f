import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { pluginProgram } from "./programs.ts";

export interface Answer {
  readonly code: number | null;
  readonly stdout: string;
}

/** Runs the plugin alone, as a runtime does, to its end. */
export async function run(command: string, stdin: string | Buffer, env: Record<string, string> = {}): Promise<Answer> {
  const environment = { CNI_COMMAND: command, ...env };
  const child = spawn(pluginProgram(), { env: environment, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => undefined);
  child.stdin.end(stdin);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const stdout = await text(child.stdout);
  return { code: await ended, stdout };
}

export const prevResult =
  '{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.5/24"}],"odd":1.0,"big":12345678901234567890}';

/** What comes on its standard input; by default no agent is there, and nobody waits for one long. */
export function config(extra: Record<string, unknown> = {}, cniVersion = "1.0.0"): string {
  const text = JSON.stringify({
    cniVersion,
    name: "pods",
    type: "outrigger-cni",
    run_directory: "/nonexistent",
    agent_patience_ms: 300,
    ...extra,
  });
  return `${text.slice(0, -1)},"prevResult":${prevResult}}`;
}

export const sandbox = {
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/var/run/netns/none",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/opt/cni/bin",
};
export const pod = (namespace: string, name: string) => ({
  ...sandbox,
  CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name}`,
});
export const system = { exclude_namespaces: ["kube-system"] };
