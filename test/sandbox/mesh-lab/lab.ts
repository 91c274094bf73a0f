import { generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrapArgument, sidecarBootstrap } from "../../../mesh/envoy/bootstrap.ts";
import { tokenAudience } from "../../../mesh/envoy/discovery.ts";
import { eventually, type Mount, projectFolder, type Running, run, start } from "./namespaces.ts";

/**
 * A mesh on this machine: Pods as network namespaces on a bridge of their own, real capture rules by `outrigger init`, real
 * Envoys, and `outrigger discovery` as a process, which reads the cluster from a file. Nothing of it reaches any other
 * network, and all ends with the test.
 */
export interface PodSpec {
  readonly name: string;
  readonly namespace?: string;
  readonly serviceAccount?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly meshed?: boolean;
  /** What its application is started with; its port is in the environment. */
  readonly app?: readonly string[];
  /** The Node that it is on, if it is on one. */
  readonly node?: string;
  /** What its sidecar shows, if it is not its own token. */
  readonly token?: string;
  /** What its spec has besides; and a folder that its sidecar sees at another place. */
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly mount?: Mount;
  /** What its Envoy is started with besides who it is. */
  readonly sidecarFlags?: readonly string[];
  /** Whether to wait until its sidecar is ready; so unless said otherwise. */
  readonly waits?: boolean;
  /** How long its sidecar keeps a listener that went, with its route table, for the connections that it has. */
  readonly drainSeconds?: number;
}

export interface PodIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly name: string;
  readonly uid: string;
}

export interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  readonly netns: string;
  /** Whom its token names. */
  readonly identity: PodIdentity;
  readonly envoy: Running | undefined;
  readonly app: Running | undefined;
  /** Envoy's admin interface. */
  admin(path: string): string;
  /** `curl` as the application would: captured. */
  curl(...args: string[]): string;
  stop(): Promise<void>;
}

export interface Lab {
  readonly folder: string;
  readonly hub: string;
  readonly discoveryHttp: string;
  discovery: Running;
  /** Puts objects into the cluster, over those of the same kind and name. */
  put(...objects: Record<string, unknown>[]): void;
  remove(kind: string, namespace: string, name: string): void;
  pod(spec: PodSpec): Promise<Pod>;
  /** A Service, and the EndpointSlice with the given Pods that are ready. */
  service(name: string, options: ServiceOptions): void;
  token(pod: PodIdentity, changes?: object): string;
  startDiscovery(...flags: string[]): Promise<void>;
  /** Replaces files of discovery's authority. */
  authority(files: Readonly<Record<string, string>>): void;
}

export interface ServiceOptions {
  readonly namespace?: string;
  readonly ip: string;
  readonly port: number;
  readonly targetPort: number;
  readonly portName?: string;
  readonly trafficDistribution?: string;
  readonly selector: Readonly<Record<string, string>>;
  /** Those that are ready. */
  readonly pods: readonly Pod[];
  /** Those that are asked to stop, and still serve. */
  readonly terminating?: readonly Pod[];
}

/** Ports of discovery in its own network namespace: nothing else listens there. */
const ports = { ads: 15012, http: 15014 } as const;
const issuer = "https://kubernetes.default.svc";
const proxyUser = 1337;
let labs = 0;

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function signToken(key: KeyObject, claims: object): string {
  const text = `${encode({ alg: "ES256" })}.${encode(claims)}`;
  return `${text}.${sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

/** @param onEnd registers what must happen when the test ends, in reverse order */
export async function createLab(onEnd: (end: () => Promise<void> | void) => void, ...flags: string[]): Promise<Lab> {
  labs += 1;
  const id = `od${process.pid}x${labs}`;
  const hub = `${id}h`;
  const folder = mkdtempSync(join(tmpdir(), "outrigger-lab-"));
  onEnd(() => rmSync(folder, { recursive: true, force: true }));
  run("ip", ["netns", "add", hub]);
  onEnd(() => void run("ip", ["netns", "delete", hub]));
  const inHub = (...args: string[]) => run("ip", ["-n", hub, ...args]);
  inHub("link", "set", "lo", "up");
  inHub("link", "add", "pods", "type", "bridge", "forward_delay", "0");
  inHub("address", "add", "10.44.0.1/16", "dev", "pods");
  inHub("link", "set", "pods", "up");

  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(join(folder, "token.pub"), keys.publicKey.export({ type: "spki", format: "pem" }));
  const objects = new Map<string, Record<string, unknown>>();
  const objectsFile = join(folder, "cluster.json");
  const keyOf = (kind: string, namespace: string, name: string) => `${kind}/${namespace}/${name}`;
  const write = () => {
    writeFileSync(`${objectsFile}.new`, JSON.stringify({ kind: "List", items: [...objects.values()] }));
    renameSync(`${objectsFile}.new`, objectsFile);
  };
  write();
  const envoy = run(join(projectFolder, "tools", "envoy.sh"), []).trim();
  let nextAddress = 2;

  async function startDiscovery(...more: string[]): Promise<void> {
    const files = ["--objects", objectsFile, "--ca-folder", join(folder, "ca"), "--create-ca"];
    const log = join(folder, "discovery.log");
    const command = [join(projectFolder, "bin", "outrigger"), "discovery", "--address", "10.44.0.1", ...files];
    lab.discovery = start({
      netns: hub,
      log,
      command: [...command, "--token-key", join(folder, "token.pub"), "--serving-name", "10.44.0.1", ...flags, ...more],
    });
    const before = lab.discovery.pid;
    await eventually("discovery listens", () => {
      const url = `http://10.44.0.1:${ports.http}/readyz`;
      return before > 0 && run("ip", ["netns", "exec", hub, "curl", "-sf", "-m", "1", url]) === "ok\n";
    });
  }

  function token(pod: PodIdentity, changes: object = {}) {
    const now = Math.floor(Date.now() / 1000);
    return signToken(keys.privateKey, {
      iss: issuer,
      aud: [tokenAudience],
      iat: now,
      nbf: now,
      exp: now + 3600,
      "kubernetes.io": {
        namespace: pod.namespace,
        serviceaccount: { name: pod.serviceAccount, uid: "1" },
        pod: { name: pod.name, uid: pod.uid },
      },
      ...changes,
    });
  }

  function startEnvoy(
    netns: string,
    ip: string,
    spec: Required<Omit<PodSpec, "app" | "token" | "waits" | "node" | "spec" | "mount">>,
    shown: string,
    mount: Mount | undefined,
  ): Running {
    const home = join(folder, `${spec.namespace}.${spec.name}`);
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "token"), shown);
    run("chown", ["-R", `${proxyUser}:${proxyUser}`, home]);
    run("chmod", ["755", folder]);
    const rootCertificates = run("cat", [join(folder, "ca", "discovery-root-cert.pem")]);
    const discovery = { address: `10.44.0.1:${ports.ads}`, rootCertificates, tokenFile: join(home, "token") };
    const bootstrap = bootstrapArgument(sidecarBootstrap({ ipFamilies: "ipv4", discovery })).replaceAll("$$", "$");
    const node = `sidecar~${ip}~${spec.name}.${spec.namespace}~${spec.namespace}.svc.cluster.local`;
    return start({
      netns,
      user: proxyUser,
      log: join(home, "envoy.log"),
      ...(mount && { mount }),
      command: [
        envoy,
        ...["--config-yaml", bootstrap, "--service-node", node, "--service-cluster", spec.name],
        ...[
          "--disable-hot-restart",
          "--log-level",
          "warning",
          "--drain-time-s",
          String(spec.drainSeconds),
          ...spec.sidecarFlags,
        ],
      ],
      env: {
        POD_NAME: spec.name,
        POD_NAMESPACE: spec.namespace,
        ISTIO_META_WORKLOAD_NAME: spec.name,
        CANONICAL_SERVICE: spec.labels.app ?? spec.name,
        CANONICAL_REVISION: "latest",
        OTEL_RESOURCE_ATTRIBUTES: `service.name=${spec.labels.app ?? spec.name}.${spec.namespace}`,
      },
    });
  }

  function connect(netns: string, ip: string): void {
    const cable = `p${ip.split(".").slice(2).join("-")}`;
    run("ip", ["netns", "add", netns]);
    onEnd(() => void run("ip", ["netns", "delete", netns]));
    inHub("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", netns);
    inHub("link", "set", cable, "master", "pods", "up");
    const inPod = (...args: string[]) => run("ip", ["-n", netns, ...args]);
    inPod("link", "set", "lo", "up");
    inPod("address", "add", `${ip}/16`, "dev", "eth0");
    inPod("link", "set", "eth0", "up");
    inPod("route", "add", "default", "via", "10.44.0.1");
  }

  const lab: Lab = {
    folder,
    hub,
    discoveryHttp: `http://10.44.0.1:${ports.http}`,
    discovery: { pid: 0, output: () => "", kill: async () => {} },
    put(...given) {
      for (const object of given) {
        const { kind, metadata } = object as { kind: string; metadata: { namespace?: string; name: string } };
        objects.set(keyOf(kind, metadata.namespace ?? "", metadata.name), object);
      }
      write();
    },
    remove(kind, namespace, name) {
      objects.delete(keyOf(kind, namespace, name));
      write();
    },
    token,
    startDiscovery,
    authority(files) {
      for (const [name, text] of Object.entries(files)) {
        const path = join(folder, "ca", name);
        writeFileSync(`${path}.new`, text);
        renameSync(`${path}.new`, path);
      }
    },
    async pod(given) {
      const { name, namespace = "default", serviceAccount = given.name, labels = {}, meshed = true } = given;
      const { sidecarFlags = ["--concurrency", "1", "--file-flush-interval-msec", "50"] } = given;
      const { drainSeconds = 600 } = given;
      const spec = { name, namespace, serviceAccount, labels, meshed, sidecarFlags, drainSeconds };
      const ip = `10.44.${Math.floor(nextAddress / 250)}.${nextAddress % 250}`;
      nextAddress += 1;
      const netns = `${id}p${nextAddress}`;
      const uid = randomUUID();
      const identity = { namespace, serviceAccount, name, uid };
      connect(netns, ip);
      lab.put({
        kind: "Pod",
        metadata: {
          name,
          namespace,
          uid,
          labels: { ...labels, ...(meshed ? { "security.istio.io/tlsMode": "istio" } : {}) },
        },
        spec: { serviceAccountName: serviceAccount, containers: [], nodeName: given.node, ...given.spec },
        status: { phase: "Running", podIPs: [{ ip }] },
      });
      const processes: Running[] = [];
      let app: Running | undefined;
      if (given.app !== undefined) {
        const log = join(folder, `${namespace}.${name}.app.log`);
        app = start({ netns, user: 1000, log, command: given.app, env: { POD_NAME: name, POD_IP: ip } });
        processes.push(app);
      }
      let envoyProcess: Running | undefined;
      const inNetns = (...command: string[]) => run("ip", ["netns", "exec", netns, ...command]);
      if (meshed) {
        const capture = ["init", "-p", "15001", "-z", "15006", "-u", "1337", "-m", "REDIRECT", "-i", "*", "-b", "*"];
        inNetns(join(projectFolder, "bin", "outrigger"), ...capture, "-d", "15090,15021,15020");
        envoyProcess = startEnvoy(netns, ip, spec, given.token ?? token(identity), given.mount);
        processes.push(envoyProcess);
      }
      const stop = async () => {
        for (const process of processes) await process.kill();
      };
      onEnd(stop);
      const pod: Pod = {
        name,
        namespace,
        ip,
        netns,
        identity,
        envoy: envoyProcess,
        app,
        admin: (path) => inNetns("curl", "-s", "-m", "30", `http://127.0.0.1:15000${path}`),
        curl: (...args) =>
          inNetns("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "curl", "-s", "-m", "40", ...args),
        stop,
      };
      if (meshed && given.waits !== false) {
        await eventually(
          `the sidecar of ${name} is ready`,
          () =>
            inNetns(
              "curl",
              "-sf",
              "-m",
              "2",
              "-o",
              "/dev/null",
              "-w",
              "%{http_code}",
              "http://127.0.0.1:15021/healthz/ready",
            ) === "200",
        );
      }
      return pod;
    },
    service(
      name,
      {
        namespace = "default",
        ip,
        port,
        targetPort,
        portName = "",
        selector,
        pods,
        terminating = [],
        trafficDistribution,
      },
    ) {
      lab.put(
        {
          kind: "Service",
          metadata: { name, namespace },
          spec: {
            clusterIP: ip,
            selector,
            trafficDistribution,
            ports: [{ name: portName, port, targetPort, protocol: "TCP" }],
          },
        },
        {
          kind: "EndpointSlice",
          metadata: { name: `${name}-1`, namespace, labels: { "kubernetes.io/service-name": name } },
          addressType: "IPv4",
          ports: [{ name: portName, port: targetPort, protocol: "TCP" }],
          endpoints: [...pods, ...terminating].map((pod) => ({
            addresses: [pod.ip],
            conditions: terminating.includes(pod)
              ? { ready: false, serving: true, terminating: true }
              : { ready: true },
            targetRef: { kind: "Pod", name: pod.name, namespace: pod.namespace },
          })),
        },
      );
    },
  };
  onEnd(() => lab.discovery.kill());
  await startDiscovery();
  return lab;
}
