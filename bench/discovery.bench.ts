/**
 * Discovery under load: a synthetic cluster, and as many connected proxies as it has Pods, on loopback. The proxies are
 * delta clients of ours in this process, which acknowledge everything; discovery is a process of its own. Prints JSON.
 *
 * SERVICES, PODS_OF_SERVICE and NAMESPACES set the size, PROXIES how many of the Pods' connect (all of them), and
 * EXPORT_TO who sees a Service: "." is its own namespace, "*" all.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { outboundClusterName, portRouteName, virtualHostName } from "../discovery/translate/names.ts";
import { typeUrls } from "../discovery/translate/resource.ts";
import { allocatorEnvironment, serviceNodeFlags } from "../mesh/node-flags.ts";
import { createClient } from "./discovery/client.ts";
import { type ClusterSize, namespaceOf, podsOf, serviceName } from "./discovery/cluster.ts";
import type { Order, Usage } from "./discovery/server.ts";

const size: ClusterSize = {
  namespaces: Number(process.env.NAMESPACES ?? 50),
  services: Number(process.env.SERVICES ?? 1000),
  podsOfService: Number(process.env.PODS_OF_SERVICE ?? 2),
  exportTo: process.env.EXPORT_TO ?? "*",
};
const proxies = Number(process.env.PROXIES ?? size.services * size.podsOfService);
/** Clients that start at once: an Envoy's own back-off spreads them in time as well. */
const startedAtOnce = 50;
const endpointChanges = 20;

/** As the image and its Deployment start it. */
const server = fork(join(import.meta.dirname, "discovery", "server.ts"), [JSON.stringify(size)], {
  execArgv: [...serviceNodeFlags],
  env: { ...process.env, ...allocatorEnvironment },
});
const [started] = (await once(server, "message")) as [{ port: number; translatedMs: number; root: string }];
const order = (given: Order) => server.send(given);
const usage = async (): Promise<Usage> => {
  order({ order: "usage" });
  const [answer] = (await once(server, "message")) as [Usage];
  return answer;
};
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let onAnswer: (typeUrl: string, names: readonly string[]) => void = () => {};
const root = Buffer.from(started.root);
/** Evenly spread over all Pods. */
const pods = podsOf(size).filter((_, index, { length }) => (index * proxies) % length < proxies);
const clients = pods.map((pod) =>
  createClient({ port: started.port, root, pod, onAnswer: (typeUrl, names) => onAnswer(typeUrl, names) }),
);

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 300_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what}: not in time`);
    await sleep(5);
  }
}

/** How many of the clients see a Service. */
function viewers(service: number): number {
  if (size.exportTo === "*") return clients.length;
  return pods.filter(({ namespace }) => namespace === namespaceOf(service, size)).length;
}

/**
 * Runs the work until every client that sees the Service had an answer of the kind with the name; each answer's time
 * after the start.
 */
async function answered(service: number, typeUrl: string, name: string, work: () => void): Promise<number[]> {
  const times: number[] = [];
  const start = performance.now();
  onAnswer = (kind, names) => {
    if (kind === typeUrl && names.includes(name)) times.push(performance.now() - start);
  };
  work();
  await until(() => times.length >= viewers(service), name);
  onAnswer = () => {};
  return times;
}

const quantile = (values: readonly number[], part: number) =>
  Math.round([...values].sort((one, other) => one - other)[Math.ceil(values.length * part) - 1] ?? 0);

async function measured<T>(work: () => Promise<T>) {
  const before = await usage();
  const start = performance.now();
  const result = await work();
  const after = await usage();
  return {
    result,
    seconds: Number(((performance.now() - start) / 1000).toFixed(2)),
    cpuSeconds: Number((after.cpuSeconds - before.cpuSeconds).toFixed(2)),
    megabytes: Number(((after.sentBytes - before.sentBytes) / 1e6).toFixed(2)),
    rssMiB: after.rssMiB,
    memoryMiB: after.memoryMiB,
  };
}

async function connectAll(): Promise<void> {
  for (let index = 0; index < clients.length; index += startedAtOnce) {
    const turn = clients.slice(index, index + startedAtOnce);
    for (const client of turn) client.connect();
    await until(
      () =>
        turn.every(({ has }) => has.get(typeUrls.virtualHosts)?.size !== 0 && has.get(typeUrls.secrets)?.size === 2),
      "connected",
    );
  }
}

const bare = await usage();
const { result: _first, ...connect } = await measured(connectAll);
await sleep(2_000);
const { result: _idle, ...rest } = await measured(() => sleep(10_000));

const times: number[] = [];
const { result: _changes, ...changes } = await measured(async () => {
  for (let index = 0; index < endpointChanges; index += 1) {
    const name = outboundClusterName(`${serviceName(index)}.${namespaceOf(index, size)}.svc.cluster.local`, 80);
    times.push(
      ...(await answered(index, typeUrls.endpoints, name, () => order({ order: "endpoint", service: index, pods: 1 }))),
    );
  }
});
const newHost = `${serviceName(size.services)}.${namespaceOf(size.services, size)}.svc.cluster.local:80`;
const { result: newService, ...service } = await measured(() =>
  answered(size.services, typeUrls.virtualHosts, virtualHostName(portRouteName(80), newHost), () =>
    order({ order: "service", service: size.services }),
  ),
);
const { result: _again, ...reconnect } = await measured(async () => {
  for (const client of clients) client.disconnect();
  for (let index = 0; index < clients.length; index += startedAtOnce) {
    for (const client of clients.slice(index, index + startedAtOnce)) client.connect();
    await sleep(20);
  }
  for (;;) {
    if ((await usage()).proxies === clients.length) break;
    await sleep(50);
  }
});
await sleep(1_000);
const { refused } = await usage();
server.disconnect();

process.stdout.write(
  `${JSON.stringify(
    {
      size: { ...size, proxies: clients.length },
      start: { translatedMs: Math.round(started.translatedMs), rssMiB: bare.rssMiB },
      connectAll: connect,
      rest: {
        cores: Number((rest.cpuSeconds / rest.seconds).toFixed(3)),
        rssMiB: rest.rssMiB,
        memoryMiB: rest.memoryMiB,
      },
      endpointChange: {
        toLastAcknowledgedMs: { p50: quantile(times, 0.5), p99: quantile(times, 0.99), max: quantile(times, 1) },
        cpuMsEach: Math.round((changes.cpuSeconds * 1000) / endpointChanges),
        kilobytesEach: Math.round((changes.megabytes * 1000) / endpointChanges),
      },
      newService: { ...service, lastMs: quantile(newService, 1) },
      reconnectAll: reconnect,
      refused,
    },
    null,
    2,
  )}\n`,
);
process.exit(0);
