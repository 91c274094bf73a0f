import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { ContainerConfigError } from "../container/environment.ts";

const script = join(import.meta.dirname, "hold.sh");

/** The process that keeps a Pod's network, host name and IPC namespaces while containers come and go. */
export interface Holder {
  readonly pid: number;
  readonly release: () => Promise<void>;
}

/** @throws ContainerConfigError when a sysctl of the Pod is not allowed in a namespace of its own */
export async function holdNamespaces(
  hostname: string,
  sysctls: Readonly<Record<string, string>>,
  ownNetwork: boolean,
): Promise<Holder> {
  const settings = Object.entries(sysctls).map(([name, value]) => `${name}=${value}`);
  const namespaces = [...(ownNetwork ? ["--net"] : []), "--uts", "--ipc"];
  const child = spawn("unshare", [...namespaces, "--", "/bin/sh", script, hostname, ...settings], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: "/",
  });
  const ended = once(child, "exit");
  const held = once(child.stdout, "data").then(() => true);
  if (!(await Promise.race([held, ended.then(() => false)])) || child.pid === undefined) {
    throw new ContainerConfigError((await text(child.stderr)).trim(), "FailedCreatePodSandBox");
  }
  const { pid } = child;
  const release = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  return { pid, release };
}
