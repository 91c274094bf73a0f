import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fastJsonPatch from "fast-json-patch";
import { interceptionModes } from "../../mesh/interception-mode.ts";
import type { Container, Pod } from "../../mesh/pod.ts";
import { proxyId } from "../../mesh/ports.ts";
import { admit } from "../../webhook/admit.ts";
import { injectionSettings } from "../../webhook/settings.ts";
import { createPodNetwork, eventually, type PodNetwork } from "./pod-network.ts";

const root = join(import.meta.dirname, "../..");
const isRoot = process.getuid?.() === 0;
const needsRoot = isRoot ? false : "needs root: network namespaces and iptables";
const envoy = () => execFileSync(join(root, "tools/envoy.sh"), { encoding: "utf8" }).trim();

const till = (annotations: Record<string, string> = {}): Pod => ({
  metadata: { name: "till", labels: { app: "till" }, annotations },
  spec: {
    containers: [
      {
        name: "till",
        image: "till:1",
        ports: [{ name: "http", containerPort: 8080 }],
        readinessProbe: { httpGet: { port: "http", path: "/healthz?full=$HOME&x=1" } },
        livenessProbe: { tcpSocket: { port: 9000 } },
        startupProbe: { grpc: { port: 9200, service: "till" } },
        lifecycle: { preStop: { httpGet: { port: 8080, path: "/off" } } },
      },
    ],
  },
});

function injected(object: Pod): Pod {
  const admission = admit({ namespace: "shop", object }, injectionSettings());
  assert.ok(admission.allowed, admission.allowed ? "" : admission.message);
  return fastJsonPatch.applyPatch(structuredClone(object), admission.patch as fastJsonPatch.Operation[], true)
    .newDocument;
}

function containerOf(pod: Pod, name: string): Container {
  const found = pod.spec.initContainers?.find((container) => container.name === name);
  assert.ok(found, name);
  return found;
}

/** As Kubernetes expands references in arguments: `$(NAME)` where the variable is known, and `$$` is `$`. */
function expanded(args: readonly string[], env: Readonly<Record<string, string>>): string[] {
  return args.map((text) =>
    text.replace(/\$\$|\$\((\w+)\)/g, (match, name?: string) => (name === undefined ? "$" : (env[name] ?? match))),
  );
}

for (const mode of interceptionModes) {
  test(`Envoy accepts the bootstrap for ${mode}, with probes and metrics`, () => {
    const pod = injected(till({ "sidecar.istio.io/interceptionMode": mode, "prometheus.io/scrape": "true" }));
    const { args = [] } = containerOf(pod, "istio-proxy");
    const [flag = "", bootstrap = ""] = expanded(args, { INSTANCE_IP: "10.0.0.1" });
    const output = execFileSync(envoy(), ["--mode", "validate", flag, bootstrap, "--log-level", "warning"], {
      encoding: "utf8",
    });
    assert.match(output, /OK/);
  });
}

interface Running {
  readonly network: PodNetwork;
  readonly accessLog: () => string;
  readonly status: (port: number, path: string) => string;
}

/** Starts the application, runs istio-init as injected, and starts istio-proxy as injected. */
async function start(context: TestContext, pod: Pod): Promise<Running> {
  const network = createPodNetwork(context);
  const app = network.start("pod", [process.execPath, join(root, "test/sandbox/unsteady-app.ts")], 1000);
  await eventually(app.output, (output) => output.includes("listening"), "the application's start");
  const init = containerOf(pod, "istio-init");
  const initEnv = Object.fromEntries((init.env ?? []).map(({ name, value = "" }) => [name, value]));
  network.run("pod", [join(root, "bin/outrigger"), ...(init.args ?? [])], initEnv);
  const { args = [], securityContext } = containerOf(pod, "istio-proxy");
  const env = { INSTANCE_IP: network.podIp, POD_NAME: "till", POD_NAMESPACE: "shop" };
  const proxy = network.start("pod", [envoy(), ...expanded(args, env)], securityContext?.runAsUser ?? 0, proxyId);
  const status = (port: number, path: string) => {
    const url = `http://${network.podIp}:${port}${path}`;
    const command = ["curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", url];
    try {
      return network.run("caller", command);
    } catch (error) {
      return String((error as { stdout?: string }).stdout);
    }
  };
  const ready = () => status(15021, "/healthz/ready");
  await eventually(ready, (code) => code === "200", "readiness");
  return { network, accessLog: proxy.output, status };
}

function timed<Value>(work: () => Value): [Value, number] {
  const begun = performance.now();
  const value = work();
  return [value, performance.now() - begun];
}

const outsideServer =
  "require('http').createServer((_q, s) => s.end('far')).listen(8000, () => console.log('listening'))";
const readAll =
  "import socket,sys; print(socket.create_connection((sys.argv[1],int(sys.argv[2])),5).recv(99).decode())";

test("an injected Pod's traffic goes through Envoy, which logs it and keeps it as it was", {
  skip: needsRoot,
}, async (context) => {
  const { network, accessLog, status } = await start(context, injected(till()));
  const { podIp, podIpv6, run } = network;

  const reply = run("caller", ["curl", "-s", "-i", "-H", "X-Shop-Id: 7", `http://${podIp}:8080/hello`]);
  assert.match(reply, /^HTTP\/1.1 200 OK/);
  assert.match(reply, /X-Till: open/, "the case of headers stays");
  assert.match(reply, /"X-Shop-Id","7"/);
  assert.doesNotMatch(reply, /server: envoy|x-envoy/i, "no header of Envoy's own");
  assert.match(reply, /127\.0\.0\.6/, "captured inbound, and passed on from the address that is not captured");
  await eventually(
    accessLog,
    (log) => /"GET \/hello HTTP\/1.1" 200 .* InboundPassthroughCluster 127/.test(log),
    "the access log line",
  );

  const outside = network.start("caller", [process.execPath, "-e", outsideServer], 1000);
  await eventually(outside.output, (output) => output.includes("listening"), "a server outside");
  const asApp = ["setpriv", "--reuid", "1000", "--clear-groups"];
  run("pod", [...asApp, "curl", "-s", "-m", "5", `http://${network.callerIp}:8000/out`]);
  await eventually(
    accessLog,
    (log) => /"GET \/out HTTP\/1.1" 200 .* PassthroughCluster 10/.test(log),
    "the outbound line",
  );

  assert.equal(status(15006, "/"), "000", "a connection to the capture port itself ends");

  for (const port of [9100, 3306]) {
    const [text, ms] = timed(() => run("caller", ["python3", "-c", readAll, podIp, String(port)]));
    assert.match(text, /220 welcome/, `a server that speaks first, on ${port} after ${Math.round(ms)} ms`);
  }
  const ipv6 = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", `http://[${podIpv6}]:15021/healthz/ready`];
  assert.equal(run("caller", ipv6), "200", "IPv6 on the same socket");
  assert.notEqual(status(15000, "/config_dump"), "200", "the admin interface is on loopback only");
  assert.equal(status(15090, "/stats/prometheus"), "200");
  assert.equal(status(15090, "/config_dump"), "404");
});

test("IPv6 is captured where the Pod has it", { skip: needsRoot }, async (context) => {
  const { network, accessLog } = await start(context, injected(till()));
  const reply = network.run("caller", ["curl", "-s", `http://[${network.podIpv6}]:8080/six`]);
  assert.match(reply, /"remoteAddress":"::6"/);
  await eventually(accessLog, (log) => log.includes('"GET /six HTTP/1.1" 200'), "the access log line");
});

test("under TPROXY the application sees the client's own address", { skip: needsRoot }, async (context) => {
  const pod = injected(till({ "sidecar.istio.io/interceptionMode": "TPROXY" }));
  const { network, accessLog, status } = await start(context, pod);
  const reply = network.run("caller", ["curl", "-s", "-m", "5", `http://${network.podIp}:8080/whoami`]);
  assert.match(reply, new RegExp(`"remoteAddress":"(::ffff:)?${network.callerIp}"`));
  await eventually(accessLog, (log) => log.includes('"GET /whoami HTTP/1.1" 200'), "the access log line");
  await eventually(
    () => status(15020, "/app-health/till/readyz"),
    (code) => code === "200",
    "the probe's success",
  );
});

test("probes through Envoy tell the application's state, not the sidecar's", { skip: needsRoot }, async (context) => {
  const { network, status } = await start(context, injected(till()));
  const [http, tcp, grpc] = ["readyz", "livez", "startupz"].map((name) => `/app-health/till/${name}`);
  const becomes = (path: string | undefined, code: string, what: string) =>
    eventually(
      () => status(15020, path ?? ""),
      (seen) => seen === code,
      what,
    );

  await becomes(http, "200", "the httpGet probe's success");
  await becomes(tcp, "200", "the tcpSocket probe's success");
  assert.equal(status(15020, grpc ?? ""), "503", "nothing speaks gRPC on that port");

  assert.equal(
    status(15020, "/app-lifecycle/till/prestopz"),
    "200",
    "the hook reaches the application and turns it off",
  );
  await becomes(http, "500", "the httpGet probe's failure");
  await becomes(tcp, "503", "the tcpSocket probe's failure");
  assert.equal(status(15021, "/healthz/ready"), "200", "the sidecar itself is well");

  network.run("pod", ["curl", "-s", "http://127.0.0.1:8080/on"]);
  await becomes(http, "200", "the httpGet probe's recovery");
  await becomes(tcp, "200", "the tcpSocket probe's recovery");
  assert.equal(status(15020, "/app-health/till/other"), "404");
});

test("Prometheus gets the application's metrics and Envoy's from one place", { skip: needsRoot }, async (context) => {
  const pod = injected(till({ "prometheus.io/scrape": "true", "prometheus.io/port": "8080" }));
  const { network } = await start(context, pod);
  assert.equal(pod.metadata.annotations?.["prometheus.io/port"], "15020");
  const metrics = network.run("caller", ["curl", "-s", `http://${network.podIp}:15020/stats/prometheus`]);
  assert.match(metrics, /^till_sales 7$/m);
  assert.match(metrics, /^envoy_server_live\{?.* 1$/m);
});
