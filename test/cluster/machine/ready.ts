import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { dnsServiceObjects } from "./dns-service.ts";
import { apiPort, type Layout, nodeName } from "./layout.ts";

const pollMs = 50;

/** Waits until `check` is true; the machine's starter gives up after a time of its own. */
async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await delay(pollMs);
}

/** Waits for a Unix socket's file. */
export function untilSocket(path: string): Promise<void> {
  return until(async () => (await stat(path).catch(() => undefined))?.isSocket() === true);
}

/** Waits until the API server serves and its own roles exist, without which the other programs fail and back off. */
export async function untilApiReady(place: Layout): Promise<void> {
  const read = (name: string) => readFile(join(place.credentials, name));
  const [ca, cert, key] = await Promise.all([read("authority.crt"), read("admin.crt"), read("admin.key")]);
  await until(async () => {
    const outgoing = request({ host: "127.0.0.1", port: apiPort, path: "/readyz", ca, cert, key, agent: false }).end();
    try {
      const [response] = (await once(outgoing, "response")) as [IncomingMessage];
      response.resume();
      return response.statusCode === 200;
    } catch {
      return false;
    }
  });
}

/** Gives the cluster its DNS Service and waits until the node takes Pods. */
export async function untilNodeReady(place: Layout): Promise<void> {
  const kubectl = (command: string, input = "") =>
    execa(join(place.programs, "kubectl"), ["--kubeconfig", place.kubeconfig("admin"), ...command.split(" ")], {
      input,
    });
  await kubectl(
    "apply --server-side -f -",
    JSON.stringify({ apiVersion: "v1", kind: "List", items: dnsServiceObjects }),
  );
  await kubectl(`wait --for=create node/${nodeName} --timeout=60s`);
  await kubectl(`wait --for=condition=Ready node/${nodeName} --timeout=60s`);
  await kubectl("wait --for=create serviceaccount/default --timeout=60s");
}
