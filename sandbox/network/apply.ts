import { writeFile } from "node:fs/promises";
import { run } from "../../host/command.ts";
import type { IpFamily } from "../manifest/kinds.ts";
import { bridgeSysctls, nodeNetwork, nodeSideOfPod, nodeSysctls, podSide, serviceRoute } from "./commands.ts";

async function ipBatch(lines: readonly string[], enter: readonly string[] = []): Promise<void> {
  const [file = "ip", ...args] = [...enter, "ip", "-batch", "-"];
  await run({ file, args, input: `${lines.join("\n")}\n` });
}

function sysctlFile(name: string): string {
  return `/proc/sys/${name.replaceAll(".", "/")}`;
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") throw error;
}

/** Makes the network namespace of this process the node's. */
export async function makeNodeNetwork(ipFamilies: readonly IpFamily[]): Promise<void> {
  // Before the bridge: what an interface does is decided when it is made.
  for (const [name, value] of Object.entries(nodeSysctls(ipFamilies))) await writeFile(sysctlFile(name), value);
  for (const [name, value] of Object.entries(bridgeSysctls)) {
    await writeFile(sysctlFile(name), value).catch(ignoreMissing);
  }
  await ipBatch(nodeNetwork(ipFamilies));
}

export async function makeServiceRoutes(addresses: readonly string[]): Promise<void> {
  if (addresses.length > 0) await ipBatch(addresses.map(serviceRoute));
}

/** Connects the Pod whose network namespace `holderPid` is in. */
export async function connectPod(index: number, holderPid: number, ips: readonly string[]): Promise<void> {
  await ipBatch(nodeSideOfPod(index, holderPid));
  await ipBatch(podSide(ips), ["nsenter", "--target", String(holderPid), "--net"]);
}

/** Puts the rules of Services in force, in one transaction. */
export async function applyRules(rules: string): Promise<void> {
  await run({ file: "nft", args: ["-f", "-"], input: rules });
}
