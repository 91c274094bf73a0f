import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { createControlGroup, removeControlGroup } from "./control-groups.ts";
import { isolated } from "./isolated.ts";
import { layout } from "./layout.ts";

const commands = ["setpriv", "unshare", "nsenter", "ip", "nft", "conntrack", "containerd", "runc", "busybox"];

/** How a kernel says that we may not, or that it cannot. Whatever else goes wrong is a failure and no obstacle. */
const refusal =
  /not permitted|permission denied|read-only file system|not supported|unknown device type|no such device|EPERM|EACCES|EROFS|EBUSY/i;

/** What a node does first: a network of its own, and rules in it. */
const rehearsal =
  "ip link add node0 type veth peer name node0-peer && ip link add pods0 type bridge && nft list ruleset";

async function missingCommands(): Promise<string[]> {
  const isMissing = async (name: string) =>
    (await execa("sh", ["-c", `command -v ${name}`], { reject: false })).exitCode !== 0;
  const missing = await Promise.all(commands.map(isMissing));
  return commands.filter((_, index) => missing[index]);
}

/** Does what a machine begins with, and returns what the kernel has against it. */
async function rehearse(): Promise<string | undefined> {
  const place = layout(await mkdtemp(join(tmpdir(), "outrigger-rehearsal-")));
  try {
    await createControlGroup(place.controlGroup);
    await execa("setpriv", isolated(place.state, "sh", "-c", rehearsal));
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    if (!refusal.test(message)) throw error;
    return message.split("\n").find((line) => refusal.test(line)) ?? message;
  } finally {
    await removeControlGroup(place.controlGroup);
    await rm(place.state, { recursive: true, force: true });
  }
}

/** Why no test machine can run on this one; undefined where it can. What it asks for is tried, not guessed. */
export async function obstacle(): Promise<string | undefined> {
  if (process.platform !== "linux") return `the cluster needs Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return "the cluster needs root";
  const missing = await missingCommands();
  if (missing.length > 0) return `the cluster needs ${missing.join(", ")}`;
  const refused = await rehearse();
  return refused === undefined ? undefined : `the cluster needs namespaces, control groups and a bridge: ${refused}`;
}
