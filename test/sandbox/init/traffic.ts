import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { IpFamily } from "../../../mesh/address.ts";
import { ipFamilies } from "../../../mesh/redirect/live/observed.ts";
import type { Answers, Order } from "./knocking-process.ts";
import type { InitPod } from "./pod.ts";

/** Who answers where: what is captured comes to the proxy, what is not to these. */
export const words = { outside: "outside the mesh", app: "the application" } as const;

/** The users that the processes have. */
const users = { proxy: 1337, app: 1000 } as const;

const appPort = 8080;
const outsidePort = 80;

/** Connections from the application to outside the mesh and from there to the application, in both families. */
export interface Traffic {
  /** Makes connections one after the other, and tells what came of them. */
  readonly knock: (times?: number) => Promise<Answers>;
  /** Makes connections until it is stopped. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<Answers>;
}

interface Place {
  readonly netns: string;
  readonly user: number;
}

async function startProcess(context: TestContext, { netns, user }: Place, file: string, args: readonly string[]) {
  const as = ["setpriv", "--reuid", String(user), "--regid", String(user), "--clear-groups"];
  const command = ["netns", "exec", netns, ...as, process.execPath, join(import.meta.dirname, file), ...args];
  const child = spawn("ip", command, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  context.after(() => {
    child.kill("SIGKILL");
  });
  await once(child, "message");
  return child;
}

function order(child: ChildProcess, given: Order): void {
  child.send(given);
}

async function answers(child: ChildProcess): Promise<Answers> {
  const [told] = await once(child, "message");
  return told as Answers;
}

function sum(all: readonly Answers[]): Answers {
  const total: Record<string, number> = {};
  for (const each of all) for (const [word, count] of Object.entries(each)) total[word] = (total[word] ?? 0) + count;
  return total;
}

/** The proxy's listeners, as `PORT=WORD` each; the word is the port. */
function proxyListeners(ports: readonly number[]): string[] {
  return ports.map((port) => `${port}=${port}`);
}

/**
 * Starts who talks and who answers: the application, somebody outside, and a proxy that listens on the given ports.
 * Somebody outside has every address that is not the Pod's.
 */
export async function createTraffic(
  context: TestContext,
  pod: InitPod,
  proxyPorts: readonly number[],
  families: readonly IpFamily[] = ipFamilies,
): Promise<Traffic> {
  const { names, podIp, podIpv6, callerIp } = pod.network;
  const outsideAddresses = { IPv4: callerIp, IPv6: "fd00:99::1" };
  const podAddresses = { IPv4: podIp, IPv6: podIpv6 };
  const to = (addresses: typeof podAddresses, port: number) => families.map((family) => `${addresses[family]} ${port}`);
  const inPod = (user: number) => ({ netns: names.pod, user });
  const outside = { netns: names.caller, user: users.app };
  await Promise.all([
    startProcess(context, inPod(users.proxy), "answering-process.ts", proxyListeners(proxyPorts)),
    startProcess(context, inPod(users.app), "answering-process.ts", [`${appPort}=${words.app}`]),
    startProcess(context, { ...outside, user: 0 }, "answering-process.ts", [`${outsidePort}=${words.outside}`]),
  ]);
  const knockers = await Promise.all([
    startProcess(context, inPod(users.app), "knocking-process.ts", to(outsideAddresses, outsidePort)),
    startProcess(context, outside, "knocking-process.ts", to(podAddresses, appPort)),
  ]);
  const ask = async (given: Order) => {
    const told = knockers.map(answers);
    for (const knocker of knockers) order(knocker, given);
    return sum(await Promise.all(told));
  };
  return {
    knock: (times = 4) => ask({ knock: times }),
    start: async () => {
      for (const knocker of knockers) order(knocker, "start");
    },
    stop: () => ask("stop"),
  };
}

/** Who was reached that traffic must not reach while it is captured. */
export function unseen(answers: Answers): string[] {
  return Object.values(words).filter((word) => word in answers);
}
