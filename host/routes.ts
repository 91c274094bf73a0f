import type { IpFamily } from "../mesh/address.ts";
import { OutriggerError } from "../mesh/errors.ts";
import { parseMarkRoutes, passthroughAddress, type RouteChange, type Routes } from "../mesh/redirect/routes.ts";
import { run } from "./command.ts";
import { type NetworkNamespace, readProcNet, within } from "./netns.ts";
import type { Tools } from "./tools.ts";

interface Context {
  readonly tools: Tools;
  readonly namespace: NetworkNamespace;
}

/** @throws OutriggerError HOST_UNFIT */
export function requireIp({ ip }: Tools): string {
  if (ip !== undefined) return ip;
  const remedy = "install iproute2, or add its folder to PATH";
  throw new OutriggerError("HOST_UNFIT", [{ field: "ip", message: "is not installed", remedy }]);
}

async function ipBatch(family: IpFamily, lines: readonly string[], { tools, namespace }: Context): Promise<string> {
  const args = [...(family === "IPv6" ? ["-6"] : []), "-batch", "-"];
  const input = lines.map((line) => `${line}\n`).join("");
  return run(within(namespace, { file: requireIp(tools), args, input }));
}

/** ::6 as /proc/net/if_inet6 writes it. */
const passthroughInProc = /^0{31}6 .* lo$/m;

function hasPassthroughInProc(namespace: NetworkNamespace): boolean | undefined {
  const addresses = readProcNet(namespace, "if_inet6");
  if (addresses === "absent") return false;
  return addresses === "unknown" ? undefined : passthroughInProc.test(addresses.text);
}

/** The mesh's routes and address in the namespace. `marks` are those by which routes are known to be the mesh's. */
export async function observeRoutes(marks: ReadonlySet<number>, context: Context): Promise<Routes> {
  const lines = ["rule list", "route list table all"];
  const hasIpv6 = readProcNet(context.namespace, "if_inet6") !== "absent";
  const [ipv4, ipv6] = await Promise.all([
    ipBatch("IPv4", lines, context),
    hasIpv6 ? ipBatch("IPv6", [...lines, "addr list dev lo"], context) : "",
  ]);
  return {
    markRoutes: [...parseMarkRoutes(ipv4, "IPv4", marks), ...parseMarkRoutes(ipv6, "IPv6", marks)],
    passthroughAddress: ipv6.includes(`inet6 ${passthroughAddress} `),
  };
}

/** The address alone, where a file tells it: that costs no process. */
export function observeAddress(namespace: NetworkNamespace): Routes {
  return { markRoutes: [], passthroughAddress: hasPassthroughInProc(namespace) ?? false };
}

/** Adds or deletes routes and the address. */
export async function changeRoutes(changes: readonly RouteChange[], context: Context): Promise<void> {
  for (const { family, lines } of changes) await ipBatch(family, lines, context);
}
