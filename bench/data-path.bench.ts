/**
 * What two sidecars cost a request: from an application through its Envoy, in mutual TLS to the server's Envoy, to the
 * server, against the same without any. Real capture rules, real Envoys with the bootstrap that the webhook writes, and
 * all else from a running discovery, in network namespaces. HTTP/1.1 on kept connections, 1 KiB answers. Prints JSON.
 *
 * SECONDS is how long each measurement takes, RATES the fixed rates (requests a second), CONNECTIONS how many the
 * saturating generator has, SERVICES how many the memory of a sidecar is measured with.
 */
import { createLab, type Lab, type Pod } from "../test/sandbox/mesh-lab/lab.ts";
import { eventually, projectFolder, run } from "../test/sandbox/mesh-lab/namespaces.ts";
import { type LoadGenerators, loadGenerators } from "./data-path/load.ts";
import { answerBytes, serverCommand } from "./data-path/server.ts";
import { memoryBytes, processorTime } from "./process.ts";

const seconds = Number(process.env.SECONDS ?? 5);
const rates = (process.env.RATES ?? "500,1000").split(",").map(Number);
const connections = Number(process.env.CONNECTIONS ?? 16);
const services = Number(process.env.SERVICES ?? 1000);
const warmUpSeconds = 2;
const appPort = 8080;

if (process.getuid?.() !== 0) throw new Error("the data path needs root, for network namespaces");

const ends: (() => Promise<void> | void)[] = [];
const onEnd = (end: () => Promise<void> | void) => ends.unshift(end);

/** A client and the server that it asks, with sidecars or without. */
interface Pair {
  readonly client: Pod;
  readonly server: Pod;
  readonly url: string;
}

const workers = (count: number) => ["--concurrency", String(count), "--file-flush-interval-msec", "250"];

async function meshedPair(lab: Lab, envoy: string, concurrency: number): Promise<Pair> {
  const name = `server-${concurrency}`;
  const ip = `10.96.0.${concurrency}`;
  const common = { sidecarFlags: workers(concurrency) };
  const labels = { app: name };
  const [client, server] = await Promise.all([
    lab.pod({ name: `client-${concurrency}`, ...common }),
    lab.pod({ name, ...common, labels, app: serverCommand(envoy, appPort) }),
  ]);
  lab.service(name, { ip, port: 80, targetPort: appPort, portName: "http", selector: labels, pods: [server] });
  return { client, server, url: `http://${ip}/` };
}

async function plainPair(lab: Lab, envoy: string): Promise<Pair> {
  const client = await lab.pod({ name: "plain-client", meshed: false });
  const server = await lab.pod({ name: "plain-server", meshed: false, app: serverCommand(envoy, appPort) });
  return { client, server, url: `http://${server.ip}:${appPort}/` };
}

/** Counts of handshakes show that it was mutual TLS, and that connections were kept. */
function tlsHandshakes({ client }: Pair): number {
  const text = client.admin("/stats?filter=outbound.*server-.*ssl.handshake");
  return [...text.matchAll(/: (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
}

interface Memory {
  readonly rssMiB: number;
  /** Without the pages of the program's file, which all Envoys of a node share. */
  readonly anonymousMiB: number;
}

function memory(pid: number): Memory {
  const { rss, own } = memoryBytes(pid);
  const mebibytes = (bytes: number) => Number((bytes / 2 ** 20).toFixed(1));
  return { rssMiB: mebibytes(rss), anonymousMiB: mebibytes(own) };
}

interface Sidecars {
  readonly cpuMicrosecondsARequest: { readonly client: number; readonly server: number };
  readonly memory: { readonly client: Memory; readonly server: Memory };
  readonly tlsHandshakes: number;
}

/** What both sidecars spent while something ran, by request. */
async function withSidecars<T extends { readonly requests: number }>(
  pair: Pair,
  load: () => Promise<T>,
): Promise<T & Partial<Sidecars>> {
  const { client, server } = pair;
  const [clientPid, serverPid] = [client.envoy?.pid, server.envoy?.pid];
  if (clientPid === undefined || serverPid === undefined) return await load();
  const before = [processorTime(clientPid).own, processorTime(serverPid).own] as const;
  const result = await load();
  const spent = (pid: number, since: number) => Math.round(((processorTime(pid).own - since) * 1000) / result.requests);
  return {
    ...result,
    cpuMicrosecondsARequest: { client: spent(clientPid, before[0]), server: spent(serverPid, before[1]) },
    memory: { client: memory(clientPid), server: memory(serverPid) },
    tlsHandshakes: tlsHandshakes(pair),
  };
}

async function measure(load: LoadGenerators, pair: Pair) {
  const route = { netns: pair.client.netns, url: pair.url };
  await load.saturated(route, connections, warmUpSeconds);
  const atRate: Record<string, Awaited<ReturnType<LoadGenerators["atRate"]>>> = {};
  for (const rate of rates) atRate[rate] = await load.atRate(route, rate, seconds);
  const saturated = await withSidecars(pair, async () => {
    const found = await load.saturated(route, connections, seconds);
    return { ...found, requests: found.perSecond * seconds };
  });
  return { atRate, saturated };
}

/** As they are now, without those that only drain. */
function activeListeners(sidecar: Pod): string {
  const { configs } = JSON.parse(sidecar.admin("/config_dump?resource=dynamic_listeners")) as {
    configs: { active_state?: unknown }[];
  };
  return JSON.stringify(configs.map(({ active_state: active }) => active));
}

/** Two Pods of the mesh behind a Service that nobody asks. */
function otherService(index: number): Parameters<Lab["put"]> {
  const [high, low] = [Math.floor(index / 250), index % 250];
  const name = `other-${index}`;
  const namespace = `others-${index % 50}`;
  const labels = { app: name, "security.istio.io/tlsMode": "istio" };
  const pods = [1, 2].map((pod) => ({ name: `${name}-${pod}`, ip: `10.${100 + pod}.${high}.${low}` }));
  const ports = [{ name: "http", port: 80, targetPort: appPort, protocol: "TCP" }];
  return [
    ...pods.map(({ name: pod, ip }) => ({
      kind: "Pod",
      metadata: { name: pod, namespace, uid: pod, labels },
      spec: { serviceAccountName: name, containers: [] },
      status: { podIPs: [{ ip }] },
    })),
    { kind: "Service", metadata: { name, namespace }, spec: { clusterIP: `10.97.${high}.${low}`, ports } },
    {
      kind: "EndpointSlice",
      metadata: { name: `${name}-1`, namespace, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      ports: [{ name: "http", port: appPort, protocol: "TCP" }],
      endpoints: pods.map(({ name: pod, ip }) => ({
        addresses: [ip],
        conditions: { ready: true },
        targetRef: { kind: "Pod", name: pod, namespace },
      })),
    },
  ];
}

/** The memory of sidecars that are not asked anything, by the number of Services that they see. */
async function memoryByServices(lab: Lab) {
  const pods = [
    await lab.pod({ name: "one-worker" }),
    await lab.pod({ name: "two-workers", sidecarFlags: workers(2) }),
  ];
  const found = () => pods.map(({ envoy }) => memory(envoy?.pid ?? 0));
  const few = found();
  lab.put(...Array.from({ length: services }, (_, index) => otherService(index)).flat());
  for (const pod of pods) {
    await eventually("the sidecar has all endpoints", () => {
      return pod.admin("/clusters").split("::health_flags::").length > services * 2;
    });
  }
  const many = found();
  return pods.map(({ name }, index) => ({ sidecar: name, few: few[index], many: many[index] }));
}

try {
  const load = await loadGenerators();
  const envoy = run(`${projectFolder}/tools/envoy.sh`, []).trim();
  const lab = await createLab(onEnd);
  const plain = await plainPair(lab, envoy);
  const [one, two] = [await meshedPair(lab, envoy, 1), await meshedPair(lab, envoy, 2)];
  for (const pair of [one, two]) {
    await eventually("the mesh answers in mutual TLS", () => {
      return pair.client.curl("-f", pair.url).length === answerBytes && tlsHandshakes(pair) > 0;
    });
  }
  const withoutSidecars = await measure(load, plain);
  const oneWorker = await measure(load, one);
  const twoWorkers = await measure(load, two);
  await lab.discovery.kill();
  await lab.startDiscovery("--access-log", "off");
  for (const sidecar of [two.client, two.server]) {
    await eventually("access logs are off", () => !activeListeners(sidecar).includes("StdoutAccessLog"));
  }
  const twoWorkersNoAccessLog = await measure(load, two);
  const memoryOfSidecars = await memoryByServices(lab);
  const report = {
    bench: "data-path",
    envoy: { flags: workers(2), accessLog: "text, to a file", tls: "mutual, TLS 1.3, ECDSA P-256" },
    http: { version: "1.1", keepAlive: true, answerBytes },
    generators: { atRate: "vegeta", saturated: `wrk, one thread, ${connections} connections` },
    seconds,
    withoutSidecars,
    oneWorker,
    twoWorkers,
    twoWorkersNoAccessLog,
    memory: { services, sidecars: memoryOfSidecars },
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
} finally {
  for (const end of ends) await end();
}
