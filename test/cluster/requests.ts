import type { Cluster } from "./cluster.ts";
import type { Pod } from "./pod.ts";
import { type Answer, requestSeen } from "./traffic.ts";
import { until } from "./waiting.ts";
import { appPod } from "./workload.ts";

/** Requests to the Service `server`, one after the other, each on a connection of its own, by the Pod's own command; its log has the answers. */
export interface Requests {
  readonly client: Pod;
  /** What came since it was asked last: the names of the Pods that answered, and what went wrong. */
  readonly since: () => Promise<{ readonly answered: readonly string[]; readonly failed: readonly string[] }>;
  /** Waits for some more answers, and takes those since the last time along. */
  readonly more: (count?: number) => ReturnType<Requests["since"]>;
}

export async function startRequests(cluster: Cluster, namespace: string): Promise<Requests> {
  const loop = `while :; do app get -timeout 10s http://server.${namespace}/; done`;
  await cluster.apply([appPod(namespace, "client", { container: { command: ["sh", "-c", loop], args: [] } })]);
  const client = await cluster.readyPod(namespace, "app=client");
  let seen = 0;
  // Logs come through the kubelet, which a spec may have just restarted.
  const lines = () =>
    until("the client's log", async () => (await cluster.logs(client, "app")).split("\n").slice(0, -1));
  const take = (all: readonly string[]) => {
    const fresh = all.slice(seen).map((line) => (line.startsWith("{") ? (JSON.parse(line) as Answer) : line));
    seen = all.length;
    const isGood = (answer: Answer | string): answer is Answer => typeof answer !== "string" && answer.status === 200;
    return {
      answered: fresh.filter(isGood).map((answer) => requestSeen(answer).host),
      failed: fresh.filter((answer) => !isGood(answer)).map((answer) => JSON.stringify(answer)),
    };
  };
  return {
    client,
    since: async () => take(await lines()),
    more: async (count = 30) => {
      const target = (await lines()).length + count;
      return take(
        await until(`${count} more requests`, async () => {
          const all = await lines();
          return all.length >= target && all;
        }),
      );
    },
  };
}
