import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createLab, type Lab, type Pod } from "./mesh-lab/lab.ts";
import { eventually, projectFolder, run } from "./mesh-lab/namespaces.ts";

const fixture = (name: string) => [process.execPath, join(projectFolder, "test", "fixtures", "mesh", `${name}.ts`)];
const skip = process.getuid?.() === 0 ? false : "needs root, for network namespaces";

interface Echo {
  readonly pod: string;
  readonly headers: Record<string, string>;
}

interface Span {
  readonly resource: Record<string, string>;
  readonly trace: string;
  readonly id: string;
  readonly parent: string;
  readonly name: string;
  readonly kind: string;
  readonly attributes: Record<string, string>;
}

const url = "http://10.96.0.10/cart";

// What happens over time and beside the requests: certificates that end, spans, lines and counters.
describe("a mesh whose certificates are short", { skip }, () => {
  const ends: (() => Promise<void> | void)[] = [];
  let lab: Lab;
  let client: Pod;
  let server: Pod;
  let database: Pod;
  let collector: Pod;
  const tracing = (percent: number) => [
    ...["--tracing-collector", "collector.default.svc.cluster.local:4317"],
    ...["--tracing-sampling", String(percent)],
  ];
  const lifetimeMs = 10_000;

  before(async () => {
    lab = await createLab(
      (end) => ends.unshift(end),
      "--certificate-lifetime",
      `${lifetimeMs / 1000}s`,
      ...tracing(100),
    );
    const meshed = (name: string, app?: string[]) => lab.pod({ name, labels: { app: name }, ...(app && { app }) });
    const others = { name: "collector", meshed: false, labels: { app: "collector" }, app: fixture("otlp-collector") };
    [database, client, server, collector] = await Promise.all([
      meshed("db", fixture("tcp-echo")),
      meshed("client"),
      meshed("shop", fixture("http-echo")),
      lab.pod(others),
    ]);
    const of = (name: string, ip: string, port: number, targetPort: number, portName: string, pod: Pod) =>
      lab.service(name, { ip, port, targetPort, portName, selector: { app: name }, pods: [pod] });
    of("collector", "10.96.0.9", 4317, 4317, "grpc-otlp", collector);
    of("shop", "10.96.0.10", 80, 8080, "http", server);
    of("db", "10.96.0.11", 5432, 5432, "tcp", database);
    await eventually("the client reaches the server", () => echo(url, "-m", "1").pod === "shop");
  });
  after(async () => {
    for (const end of ends) await end();
  });

  const echo = (...args: string[]): Echo => JSON.parse(client.curl("-f", ...args)) as Echo;
  /** Each of them is a connection of its own between the two sidecars, and so a handshake with the certificates of now. */
  const isAnswered = (): boolean => {
    try {
      const asApplication = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", ...fixture("tcp-ask")];
      return run("ip", ["netns", "exec", client.netns, ...asApplication, "10.96.0.11", "5432"]) === "db hello";
    } catch {
      return false;
    }
  };
  const certificateOf = (pod: Pod): { serial: string; from: Date; to: Date } => {
    const { certificates } = JSON.parse(pod.admin("/certs")) as {
      certificates: { cert_chain: { serial_number: string; valid_from: string; expiration_time: string }[] }[];
    };
    const [own] = certificates.flatMap(({ cert_chain }) => cert_chain);
    const { serial_number: serial = "", valid_from: from = "", expiration_time: to = "" } = own ?? {};
    return { serial, from: new Date(from), to: new Date(to) };
  };
  const spans = (): Span[] =>
    (collector.app?.output() ?? "")
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Span);
  const logOf = (pod: Pod) => readFileSync(join(lab.folder, `${pod.namespace}.${pod.name}`, "envoy.log"), "utf8");
  const metricsOf = (pod: Pod) =>
    run("ip", ["netns", "exec", pod.netns, "curl", "-s", "http://127.0.0.1:15090/stats/prometheus"]).split("\n");

  it("renews a certificate half way through, and no handshake fails", async () => {
    const serials = new Set<string>();
    const answers: boolean[] = [];
    await eventually("the next certificate has come, and works", () => {
      answers.push(isAnswered());
      const { serial, from, to } = certificateOf(client);
      serials.add(serial);
      assert.equal(Math.round((to.getTime() - from.getTime()) / 1000), 300 + lifetimeMs / 1000, "five minutes back");
      return serials.size === 2 && isAnswered();
    });
    assert.deepEqual(new Set(answers), new Set([true]));
  });

  it("makes spans that hang together, under the service's name, and passes the context on", async () => {
    const given = { trace: "0af7651916cd43dd8448eb211c80319c", span: "b7ad6b7169203331" };
    const { headers } = echo(url, "-H", `traceparent: 00-${given.trace}-${given.span}-01`, "-H", "b3: 1-2-1");
    const [, trace, parent] = (headers.traceparent ?? "").split("-");
    assert.equal(trace, given.trace);
    assert.equal(headers.b3, "1-2-1", "what the application sends of another kind is left alone");
    const own = (echo(url).headers.traceparent ?? "").split("-")[1];
    const [sent, got] = await eventually("both spans", () => {
      const ofTrace = spans().filter((span) => span.trace === given.trace);
      const of = (kind: string) => ofTrace.find((span) => span.kind === kind);
      const [one, other] = [of("client"), of("server")];
      return one && other ? [one, other] : undefined;
    });
    assert.ok(sent && got);
    assert.equal(sent.parent, given.span);
    assert.equal(got.parent, sent.id);
    assert.equal(parent, got.id, "the application sees the server's span as its parent");
    assert.equal(sent.resource["service.name"], "client.default");
    assert.equal(got.resource["service.name"], "shop.default");
    assert.equal(sent.attributes["http.status_code"], "200");
    assert.match(sent.attributes["http.url"] ?? "", /\/cart$/);

    const started = await eventually("a trace of the sidecar's own", () => {
      const ofTrace = spans().filter((span) => span.trace === own);
      return ofTrace.length === 2 ? ofTrace : undefined;
    });
    assert.ok(started.some(({ kind, parent: of }) => kind === "client" && of === ""));
  });

  it("writes a line of Istio's text format on both sides", async () => {
    echo(`${url}?id=7`, "-H", "user-agent: edge-test", "-H", "x-request-id: 8b1d", "-H", "x-forwarded-for: 192.0.2.1");
    const line = async (pod: Pod) =>
      await eventually("the line", () =>
        logOf(pod)
          .split("\n")
          .find((text) => text.includes('"8b1d"')),
      );
    const start = String.raw`^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] "GET /cart\?id=7 HTTP/1\.1" 200 - via_upstream - "-" 0 \d+ \d+ \d+ `;
    const request = '"192.0.2.1" "edge-test" "8b1d" "10.96.0.10" ';
    const ip = client.ip.replaceAll(".", "\\.");
    const at = server.ip.replaceAll(".", "\\.");
    const outbound = String.raw`"${at}:8080" outbound\|80\|\|shop\.default\.svc\.cluster\.local ${ip}:\d+ 10\.96\.0\.10:80 192\.0\.2\.1:0 - \S+$`;
    const inbound = String.raw`"${at}:8080" inbound\|8080\|\| 127\.0\.0\.6:\d+ ${at}:8080 192\.0\.2\.1:0 \S+ \S+$`;
    assert.match(await line(client), new RegExp(`${start}${request.replaceAll(".", "\\.")}${outbound}`));
    assert.match(await line(server), new RegExp(`${start}${request.replaceAll(".", "\\.")}${inbound}`));
  });

  it("counts requests on the server's side, and connections from when they open", async () => {
    const found = async (pod: Pod, name: string, labels: readonly string[]) =>
      await eventually(`${name} of ${pod.name} with ${labels}`, () =>
        metricsOf(pod).find((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label))),
      );
    const identity = (name: string) => `"spiffe://cluster.local/ns/default/sa/${name}"`;
    const atServer = [
      'reporter="destination"',
      'connection_security_policy="mutual_tls"',
      `source_principal=${identity("client")}`,
      'destination_workload="shop"',
      'destination_service="shop.default.svc.cluster.local"',
      'response_code="200"',
    ];
    await found(server, "istio_requests_total", atServer);
    await found(server, "istio_request_duration_milliseconds_bucket", atServer);
    const tcp = ['reporter="source"', 'destination_service="db.default.svc.cluster.local"', 'request_protocol="tcp"'];
    const value = async (name: string) => Number((await found(client, name, tcp)).split(" ").at(-1));
    const opened = await value("istio_tcp_connections_opened_total");
    assert.ok(opened >= 3);
    await eventually("all have closed", async () => (await value("istio_tcp_connections_closed_total")) === opened);
    await found(client, "istio_tcp_sent_bytes_total", tcp);
    await found(client, "istio_tcp_received_bytes_total", tcp);
  });

  it("lets nobody in with a certificate that has ended, and mends it once discovery is back, with its clock ahead", async () => {
    // It hangs: nobody tries to connect again, and so waits longer each time.
    process.kill(lab.discovery.pid, "SIGSTOP");
    const ended = () => [client, database].every((pod) => new Date() > certificateOf(pod).to);
    await eventually("the certificates end", ended);
    assert.equal(isAnswered(), false);
    await lab.discovery.kill();
    // Four minutes ahead: what it signs is valid from a minute ago.
    const ahead =
      "const now = Date.now; const D = Date; globalThis.Date = class extends D { constructor(...a) { super(...(a.length ? a : [now() + 240000])); } static now() { return now() + 240000; } };";
    process.env.NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(ahead)}`;
    try {
      await lab.startDiscovery("--certificate-lifetime", "24h", "--access-log", "json", "--drain", "1", ...tracing(0));
    } finally {
      delete process.env.NODE_OPTIONS;
    }
    await eventually("handshakes succeed", isAnswered);
    const { from } = certificateOf(client);
    const sinceMs = Date.now() - from.getTime();
    assert.ok(sinceMs > 30_000 && sinceMs < 120_000, `valid since ${sinceMs} ms`);
  });

  it("makes no spans of its own at 0 %, and those that are asked for, from the first sidecar to the application", async () => {
    const trace = "1af7651916cd43dd8448eb211c80319c";
    const [, own, , ownFlags] = (echo(url).headers.traceparent ?? "").split("-");
    assert.equal(ownFlags, "00");
    const { headers } = echo(url, "-H", `traceparent: 00-${trace}-b7ad6b7169203331-01`);
    assert.match(headers.traceparent ?? "", new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
    await eventually(
      "both spans that were asked for",
      () => spans().filter((span) => span.trace === trace).length === 2,
    );
    assert.ok(!spans().some((span) => span.trace === own));
  });

  it("writes lines of JSON with both identities when it is told so", async () => {
    echo(url, "-H", "x-request-id: 9c2e");
    const line = await eventually("the line", () =>
      logOf(client)
        .split("\n")
        .find((text) => text.includes('"9c2e"')),
    );
    const { method, path, response_code, upstream_peer, authority, upstream_cluster } = JSON.parse(line) as Record<
      string,
      unknown
    >;
    assert.deepEqual(
      { method, path, response_code, upstream_peer, authority, upstream_cluster },
      {
        method: "GET",
        path: "/cart",
        response_code: 200,
        upstream_peer: "spiffe://cluster.local/ns/default/sa/shop",
        authority: "10.96.0.10",
        upstream_cluster: "outbound|80||shop.default.svc.cluster.local",
      },
    );
  });

  it("refuses an authority that is none, and takes an intermediate of the user's with its chain", async () => {
    const folder = join(lab.folder, "plugged-in");
    mkdirSync(folder);
    const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
    const text = (name: string) => readFileSync(join(folder, name), "utf8");
    writeFileSync(join(folder, "ca.ext"), "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n");
    const make = (name: string, ...signer: string[]) => {
      openssl(
        "req",
        "-new",
        "-nodes",
        "-newkey",
        "rsa:2048",
        "-subj",
        `/CN=${name}`,
        "-keyout",
        `${name}.key`,
        "-out",
        "csr",
      );
      openssl("x509", "-req", "-in", "csr", ...signer, "-days", "9", "-extfile", "ca.ext", "-out", `${name}.pem`);
    };
    make("root", "-signkey", "root.key");
    make("between", "-CA", "root.pem", "-CAkey", "root.key");
    make("own", "-CA", "between.pem", "-CAkey", "between.key");
    const log = () => readFileSync(join(lab.folder, "discovery.log"), "utf8");
    const serials = () => [client, database].map((pod) => certificateOf(pod).serial);
    const before = serials();

    const roots = `${readFileSync(join(lab.folder, "ca", "root-cert.pem"), "utf8")}${text("root.pem")}`;
    const own = { "ca-cert.pem": text("own.pem"), "ca-key.pem": text("own.key") };
    lab.authority({ ...own, "root-cert.pem": roots });
    await eventually(
      "it is refused",
      () => /keeping the old one/.test(log()) && /ca-cert\.pem leads to no certificate/.test(log()),
    );
    assert.deepEqual(serials(), before);
    assert.ok(isAnswered());

    lab.authority({ "cert-chain.pem": text("between.pem") });
    await eventually("both have certificates of the new one", () =>
      serials().every((serial, index) => serial !== before[index]),
    );
    await eventually("and believe each other", isAnswered);
  });

  it("tells a person of all five kinds as JSON, and of what they ask for", () => {
    const url = ["--url", "http://127.0.0.1:15000"];
    const show = (...args: string[]) =>
      run("ip", [
        "netns",
        "exec",
        client.netns,
        join(projectFolder, "bin", "outrigger"),
        "proxy-config",
        ...args,
        ...url,
      ]);
    for (const kind of ["listeners", "routes", "clusters", "secrets"]) {
      assert.ok((JSON.parse(show(kind, "-o", "json")) as unknown[]).length > 0, kind);
    }
    const cluster = "outbound|80||shop.default.svc.cluster.local";
    const endpoints = show("endpoints", "--cluster", cluster, "-o", "json");
    assert.equal((JSON.parse(endpoints) as { cluster_statuses: unknown[] }).cluster_statuses.length, 1);
    assert.match(show("clusters", "--fqdn", "shop.default", "--port", "80"), /^SERVICE.*\nshop\.default\S+ +80 .*\n$/);
    assert.match(show("listeners", "--port", "5432"), /^ADDRESS.*\n(10\.96\.0\.11 +5432 .*\n)+$/);
  });

  it("sends its proxies away when it is told to end, and they go on", async () => {
    await lab.discovery.kill("SIGTERM");
    const log = readFileSync(join(lab.folder, "discovery.log"), "utf8");
    const last = log.slice(log.lastIndexOf('"draining"'));
    assert.equal(last.match(/"proxy disconnected"/g)?.length, 3);
    assert.equal(echo(url).pod, "shop");
    assert.ok(isAnswered());
  });

  it("had nothing refused", () => {
    assert.doesNotMatch(readFileSync(join(lab.folder, "discovery.log"), "utf8"), /refused a configuration/);
  });
});
