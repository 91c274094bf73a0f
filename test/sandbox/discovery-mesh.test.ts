import assert from "node:assert/strict";
import { readFileSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createLab, type Lab, type Pod } from "./mesh-lab/lab.ts";
import { eventually, projectFolder, run, start } from "./mesh-lab/namespaces.ts";

const fixture = (name: string) => [process.execPath, join(projectFolder, "test", "fixtures", "mesh", `${name}.ts`)];
const skip = process.getuid?.() === 0 ? false : "needs root, for network namespaces";

interface Echo {
  readonly pod: string;
  readonly headers: Record<string, string>;
}

describe("a mesh with discovery", { skip }, () => {
  const ends: (() => Promise<void> | void)[] = [];
  let lab: Lab;
  let client: Pod;
  let servers: Pod[];
  let databases: Pod[];
  let outsider: Pod;

  const echo = (from: Pod, ...args: string[]): Echo => JSON.parse(from.curl(...args)) as Echo;
  const isRefused = (from: Pod, url: string): boolean => {
    try {
      from.curl("-f", "-m", "10", url);
      return false;
    } catch {
      return true;
    }
  };
  const ask = (from: Pod, host: string, port: number) =>
    run("ip", [
      "netns",
      "exec",
      from.netns,
      "setpriv",
      "--reuid=1000",
      "--regid=1000",
      "--clear-groups",
      ...fixture("tcp-ask"),
      host,
      String(port),
    ]);
  const reviews = (pods: Pod[]) =>
    lab.service("reviews", {
      ip: "10.96.0.10",
      port: 80,
      targetPort: 8080,
      portName: "http",
      selector: { app: "reviews" },
      pods,
    });
  const policy = (mode: string) =>
    lab.put({
      kind: "PeerAuthentication",
      metadata: { name: "default", namespace: "default" },
      spec: { mtls: { mode } },
    });
  const certificate = (pod: Pod): string => {
    const { configs } = JSON.parse(pod.admin("/config_dump?resource=dynamic_active_secrets")) as {
      configs: { name: string; version_info: string }[];
    };
    return configs.find(({ name }) => name === "default")?.version_info ?? "";
  };

  before(async () => {
    lab = await createLab((end) => ends.unshift(end));
    const web = { serviceAccount: "reviews", labels: { app: "reviews" }, app: fixture("http-echo") };
    const database = { serviceAccount: "db", labels: { app: "db" }, app: fixture("tcp-echo") };
    const stranger = { meshed: false, labels: { app: "outsider" }, app: fixture("http-echo") };
    [client, outsider, servers, databases] = await Promise.all([
      lab.pod({ name: "client", labels: { app: "client" } }),
      lab.pod({ name: "outsider", ...stranger }),
      Promise.all([lab.pod({ name: "reviews-1", ...web }), lab.pod({ name: "reviews-2", ...web })]),
      Promise.all([lab.pod({ name: "db-0", ...database }), lab.pod({ name: "db-1", ...database })]),
    ]);
    reviews(servers);
    lab.service("outsider", {
      ip: "10.96.0.11",
      port: 80,
      targetPort: 8080,
      portName: "http",
      selector: { app: "outsider" },
      pods: [outsider],
    });
    lab.service("db", {
      ip: "10.96.0.12",
      port: 5432,
      targetPort: 5432,
      portName: "tcp",
      selector: { app: "db" },
      pods: databases,
    });
    lab.service("any", { ip: "10.96.0.13", port: 9000, targetPort: 8080, selector: { app: "reviews" }, pods: servers });
    lab.service("any-tcp", {
      ip: "10.96.0.14",
      port: 9000,
      targetPort: 5432,
      selector: { app: "db" },
      pods: databases,
    });
    lab.service("db-pods", {
      ip: "None",
      port: 5432,
      targetPort: 5432,
      portName: "tcp",
      selector: { app: "db" },
      pods: databases,
    });
    const last = "dynamic_listeners.*10.44.*5432";
    await eventually("the client knows the last Service", () =>
      new RegExp(last, "s").test(client.admin("/config_dump")),
    );
  });
  after(async () => {
    for (const end of ends) await end();
  });

  it("finds a Service by the Host, whatever the address", () => {
    for (const host of ["reviews", "reviews.default", "reviews.default.svc", "reviews.default.svc.cluster.local:80"]) {
      assert.match(echo(client, "http://8.8.8.8/", "-H", `Host: ${host}`).pod, /^reviews-/, host);
    }
  });

  it("spreads requests over Pods", () => {
    const pods = new Set(Array.from({ length: 20 }, () => echo(client, "http://10.96.0.10/").pod));
    assert.deepEqual([...pods].sort(), ["reviews-1", "reviews-2"]);
  });

  it("shows the server who the client is, and takes nobody's word for it", () => {
    const { headers } = echo(
      client,
      "http://10.96.0.10/",
      "-H",
      "x-forwarded-client-cert: URI=spiffe://cluster.local/ns/a/sa/b",
    );
    const shown = headers["x-forwarded-client-cert"] ?? "";
    assert.match(shown, /URI=spiffe:\/\/cluster.local\/ns\/default\/sa\/client$/);
    assert.doesNotMatch(shown, /sa\/b/);
    const plain = echo(outsider, `http://${servers[0]?.ip}:8080/`, "-H", "x-forwarded-client-cert: URI=spiffe://x");
    assert.equal(plain.headers["x-forwarded-client-cert"], undefined);
  });

  it("carries bytes to a Service and to one Pod of a headless one, and finds out what nothing is said of", () => {
    assert.match(ask(client, "10.96.0.12", 5432), /^db-[01] hello/);
    for (const pod of databases) assert.equal(ask(client, pod.ip, 5432), `${pod.name} hello`);
    assert.match(echo(client, "http://10.96.0.13:9000/").pod, /^reviews-/);
    assert.match(ask(client, "10.96.0.14", 9000), /^db-[01] hello/);
    for (const port of ["5432||db", "5432||db-pods", "9000||any-tcp", "9000||any"]) {
      const handshakes = `cluster.outbound|${port}.default.svc.cluster.local.ssl.handshake`;
      assert.match(
        client.admin("/stats?filter=ssl.handshake"),
        new RegExp(`${handshakes.replaceAll("|", "\\|")}: [1-9]`),
        port,
      );
    }
  });

  it("speaks HTTP/2 to who does, and counts gRPC by its status", async () => {
    const labels = { app: "greeter" };
    const greeter = await lab.pod({ name: "greeter", serviceAccount: "greeter", labels, app: fixture("http2-echo") });
    const of = { port: 80, targetPort: 8080, selector: labels, pods: [greeter] };
    lab.service("greeter", { ip: "10.96.0.30", portName: "grpc", ...of });
    const said = await eventually("an answer over HTTP/2", () => {
      const answer = client.curl("--http2-prior-knowledge", "-m", "2", "http://10.96.0.30/");
      return answer.startsWith("greeter ") ? answer : undefined;
    });
    assert.match(said, /^greeter HTTP\/2.0 .*URI=spiffe:\/\/cluster.local\/ns\/default\/sa\/client/);
    client.curl("--http2-prior-knowledge", "-H", "content-type: application/grpc", "-d", "", "http://10.96.0.30/x.Y/Z");
    await eventually("the call is counted", () =>
      run("ip", ["netns", "exec", client.netns, "curl", "-s", "http://127.0.0.1:15090/stats/prometheus"])
        .split("\n")
        .find(
          (line) =>
            /^istio_requests_total.*request_protocol="grpc"/.test(line) && /grpc_response_status="0"/.test(line),
        ),
    );
    await greeter.stop();
  });

  it("speaks plain text to who has no sidecar, and takes it from them", () => {
    assert.equal(echo(client, "http://10.96.0.11/").pod, "outsider");
    assert.equal(echo(outsider, `http://${servers[0]?.ip}:8080/`).pod, "reviews-1");
  });

  it("shows nothing in plain text on the wire between two Pods", async () => {
    const file = join(lab.folder, "capture.pcap");
    const [server] = servers;
    assert.ok(server);
    const log = join(lab.folder, "tcpdump.log");
    const capture = start({
      netns: server.netns,
      log,
      command: ["tcpdump", "-U", "-i", "eth0", "-w", file, "tcp", "port", "8080"],
    });
    await eventually("tcpdump listens", () => capture.output().includes("listening on"));
    await eventually("packets are in the file", () => {
      client.curl("http://10.96.0.10/secret-from-the-client");
      return readFileSync(file).length > 5_000;
    });
    await capture.kill("SIGTERM");
    const bytes = readFileSync(file).toString("latin1");
    assert.doesNotMatch(bytes, /secret-from-the-client|plain-text-from-the-server|HTTP\/1/);
  });

  it("counts requests as Istio does", async () => {
    const metrics = () =>
      run("ip", ["netns", "exec", client.netns, "curl", "-s", "http://127.0.0.1:15090/stats/prometheus"]).split("\n");
    const line = await eventually("the request is counted", () =>
      metrics().find(
        (text) =>
          text.startsWith("istio_requests_total") &&
          text.includes('destination_service="reviews.default.svc.cluster.local"'),
      ),
    );
    for (const label of [
      'reporter="source"',
      'source_workload="client"',
      'source_workload_namespace="default"',
      'source_principal="spiffe://cluster.local/ns/default/sa/client"',
      'destination_principal="spiffe://cluster.local/ns/default/sa/reviews"',
      'destination_service_name="reviews"',
      'request_protocol="http"',
      'response_code="200"',
    ]) {
      assert.ok(line.includes(label), `${label} in ${line}`);
    }
  });

  it("tells the server's metrics which workload a client is, by its certificate", async () => {
    const metrics = ({ netns }: Pod) =>
      run("ip", ["netns", "exec", netns, "curl", "-s", "http://127.0.0.1:15090/stats/prometheus"]).split("\n");
    const counted = async (at: readonly Pod[], name: string, labels: Record<string, string>) => {
      const wanted = Object.entries({ reporter: "destination", ...labels }).map(([key, value]) => `${key}="${value}"`);
      return await eventually(`${name} with ${wanted.join(",")}`, () =>
        at
          .flatMap(metrics)
          .find((line) => line.startsWith(`${name}{`) && wanted.every((label) => line.includes(label))),
      );
    };
    const [server] = servers;
    assert.ok(server);
    const known = {
      source_workload: "client",
      source_workload_namespace: "default",
      source_canonical_service: "client",
      source_canonical_revision: "latest",
      source_principal: "spiffe://cluster.local/ns/default/sa/client",
      connection_security_policy: "mutual_tls",
    };
    client.curl("-f", "http://10.96.0.10/");
    await counted(servers, "istio_requests_total", { ...known, request_protocol: "http", response_code: "200" });
    ask(client, "10.96.0.12", 5432);
    const opened = await counted(databases, "istio_tcp_connections_opened_total", known);
    await counted(databases, "istio_tcp_connections_closed_total", known);
    assert.ok(!databases.flatMap(metrics).some((line) => /reporter="destination".*source_[a-z_]+="-"/.test(line)));
    assert.match(opened, / [1-9]\d*$/);

    outsider.curl("-f", `http://${server.ip}:8080/`);
    const plain = await counted([server], "istio_requests_total", {
      source_workload: "unknown",
      source_workload_namespace: "unknown",
      source_canonical_service: "unknown",
      source_principal: "unknown",
      connection_security_policy: "none",
    });
    assert.match(plain, / [1-9]\d*$/);
  });

  it("leaves a dead application's Pod out, before and after Kubernetes says so, and takes one that joins", async () => {
    const extra = await lab.pod({
      name: "reviews-3",
      serviceAccount: "reviews",
      labels: { app: "reviews" },
      app: fixture("http-echo"),
    });
    reviews([...servers, extra]);
    await eventually("the new Pod answers", () => echo(client, "http://10.96.0.10/").pod === "reviews-3");
    await extra.app?.kill();
    for (let index = 0; index < 20; index += 1) {
      assert.match(echo(client, "-f", "http://10.96.0.10/").pod, /^reviews-[12]$/, "its sidecar alone answers nothing");
    }
    await extra.stop();
    for (let index = 0; index < 20; index += 1)
      assert.match(echo(client, "-f", "http://10.96.0.10/").pod, /^reviews-[12]$/);
    reviews(servers);
    lab.remove("Pod", "default", "reviews-3");
    await eventually("the Pod is gone", () => !client.admin("/clusters").includes(extra.ip));
    for (let index = 0; index < 10; index += 1)
      assert.match(echo(client, "-f", "http://10.96.0.10/").pod, /^reviews-[12]$/);
  });

  it("loses no request while Pods, Services and identities come and go", async () => {
    const [one, two] = servers;
    assert.ok(one && two);
    const labels = { app: "reviews" };
    const other = await lab.pod({ name: "reviews-4", serviceAccount: "reviews-b", labels, app: fixture("http-echo") });
    const request = "curl -s -m 30 -o /dev/null -w '%{http_code}\\n' http://10.96.0.10/";
    const command = ["sh", "-c", `for i in $(seq 400); do ${request}; done; echo end`];
    const requests = start({ netns: client.netns, log: join(lab.folder, "requests.log"), user: 1000, command });
    const answers = () => requests.output().trim().split("\n");
    const turns = [[one], [one, two], [one, other], [other], [two, other]];
    for (let turn = 0; answers().at(-1) !== "end"; turn += 1) {
      const seen = answers().length;
      reviews(turns[turn % turns.length] ?? servers);
      const name = `passing-${turn}`;
      lab.service(name, {
        ip: `10.96.1.${turn}`,
        port: 80,
        targetPort: 8080,
        portName: "http",
        selector: labels,
        pods: servers,
      });
      lab.remove("Service", "default", `passing-${turn - 2}`);
      await eventually("some more requests", () => answers().length > seen + 5 || answers().at(-1) === "end");
    }
    reviews(servers);
    assert.deepEqual(answers(), [...Array.from({ length: 400 }, () => "200"), "end"]);
    await other.stop();
    lab.remove("Pod", "default", "reviews-4");
  });

  it("STRICT refuses the client without a sidecar, DISABLE speaks plain text, and both end again", async () => {
    const url = `http://${servers[0]?.ip}:8080/`;
    policy("STRICT");
    await eventually("plain text is refused", () => isRefused(outsider, url));
    assert.match(echo(client, "-f", "http://10.96.0.10/").pod, /^reviews-/);
    policy("DISABLE");
    await eventually("the server takes plain text", () => !isRefused(outsider, url));
    await eventually(
      "the client speaks plain text",
      () => echo(client, "-f", "http://10.96.0.10/").headers["x-forwarded-client-cert"] === undefined,
    );
    lab.remove("PeerAuthentication", "default", "default");
    await eventually(
      "mutual TLS is back",
      () => echo(client, "-f", "http://10.96.0.10/").headers["x-forwarded-client-cert"] !== undefined,
    );
  });

  it("tells a person what is there", () => {
    const outrigger = (netns: string, ...args: string[]) =>
      run("ip", ["netns", "exec", netns, join(projectFolder, "bin", "outrigger"), ...args]);
    const status = outrigger(lab.hub, "proxy-status", "--url", lab.discoveryHttp);
    assert.match(status, /^NAME +CDS +LDS +EDS +RDS +VHDS +SDS +DISCOVERY\n/);
    assert.match(status, /client\.default +SYNCED +SYNCED +SYNCED +SYNCED +SYNCED +SYNCED/);
    const config = (kind: string) => outrigger(client.netns, "proxy-config", kind, "--url", "http://127.0.0.1:15000");
    assert.match(config("clusters"), /reviews\.default\.svc\.cluster\.local +80 +- +outbound +EDS +mutual TLS/);
    assert.match(config("listeners"), /0\.0\.0\.0 +80 +0\.0\.0\.0_80 .*Route: 80/);
    assert.match(config("listeners"), /transport tls; protocols istio +Cluster: InboundPassthroughCluster/);
    assert.match(config("routes"), /80 +reviews\.default\.svc\.cluster\.local:80 .*outbound\|80\|\|reviews/);
    assert.match(config("endpoints"), new RegExp(`${servers[0]?.ip}:8080 +HEALTHY +OK +outbound\\|80\\|\\|reviews`));
    assert.match(
      config("secrets"),
      /default +Cert Chain +ACTIVE +true +URI:spiffe:\/\/cluster\.local\/ns\/default\/sa\/client +\d/,
    );
  });

  it("renews certificates with a new root without a failed request", async () => {
    const old = certificate(client);
    const [server] = servers;
    assert.ok(server);
    const failed: string[] = [];
    const request = () => {
      const code = client.curl("-o", "/dev/null", "-w", "%{http_code}", "http://10.96.0.10/");
      if (code !== "200") failed.push(code);
    };
    const other = join(lab.folder, "other");
    run("openssl", [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      `${other}.key`,
      "-out",
      `${other}.pem`,
      "-subj",
      "/CN=other root",
      "-days",
      "30",
      "-addext",
      "keyUsage=critical,keyCertSign",
    ]);
    const roots = readFileSync(join(lab.folder, "ca", "root-cert.pem"), "utf8");
    const both = roots + readFileSync(`${other}.pem`, "utf8");
    lab.authority({ "root-cert.pem": both });
    await eventually("both roots are trusted", () => {
      request();
      return certificate(client) !== old && certificate(server) !== "";
    });
    const between = certificate(client);
    lab.authority({
      "root-cert.pem": both,
      "ca-cert.pem": readFileSync(`${other}.pem`, "utf8"),
      "ca-key.pem": readFileSync(`${other}.key`, "utf8"),
    });
    await eventually("the new root signs", () => {
      request();
      return certificate(client) !== between;
    });
    for (let index = 0; index < 20; index += 1) request();
    assert.deepEqual(failed, []);
  });

  it("gives its own root a successor that Pods of the old one believe, without a failed request", async () => {
    const file = (name: string) => join(lab.folder, "ca", name);
    const [own, published] = [file("discovery-ca-cert.pem"), file("discovery-root-cert.pem")];
    const old = readFileSync(own, "utf8");
    unlinkSync(own);
    const failed: string[] = [];
    const request = () => {
      const code = client.curl("-o", "/dev/null", "-w", "%{http_code}", "http://10.96.0.10/");
      if (code !== "200") failed.push(code);
    };
    await eventually("the successor serves", () => {
      request();
      return readFileSync(join(lab.folder, "discovery.log"), "utf8").includes("discovery's root replaced");
    });
    const next = readFileSync(own, "utf8");
    assert.notEqual(next, old);
    assert.equal(readFileSync(published, "utf8"), `${next}${old}`);
    // From here on nothing but the successor's chain knows the old root.
    lab.authority({ "discovery-root-cert.pem": next });
    const web = { serviceAccount: "reviews", labels: { app: "reviews" }, app: fixture("http-echo") };
    const late = await lab.pod({ name: "reviews-5", ...web });
    reviews([...servers, late]);
    await eventually("a Pod of the old root is answered by one of the new", () => {
      request();
      return echo(client, "http://10.96.0.10/").pod === "reviews-5";
    });
    assert.match(echo(late, "-f", "http://10.96.0.10/").pod, /^reviews-/);
    assert.deepEqual(failed, []);
    reviews(servers);
    await eventually("the late Pod is out", () => !client.admin("/clusters").includes(late.ip));
    await late.stop();
    lab.remove("Pod", "default", "reviews-5");
  });

  it("goes on with what it has while discovery is away, and takes up changes when it is back", async () => {
    await lab.discovery.kill();
    for (let index = 0; index < 5; index += 1) assert.match(echo(client, "-f", "http://10.96.0.10/").pod, /^reviews-/);
    await lab.startDiscovery();
    lab.service("late", {
      ip: "10.96.0.20",
      port: 80,
      targetPort: 8080,
      portName: "http",
      selector: { app: "reviews" },
      pods: servers,
    });
    await eventually(
      "the new Service answers",
      () => client.curl("-m", "1", "http://8.8.8.8/", "-H", "Host: late").includes("reviews-"),
      40_000,
    );
  });

  it("had nothing refused", () => {
    assert.doesNotMatch(readFileSync(join(lab.folder, "discovery.log"), "utf8"), /refused a configuration/);
  });

  it("keeps what an Envoy refuses in its words, and everything else goes on", async () => {
    const ports = [{ name: "http", port: 80 }];
    lab.put({
      kind: "Service",
      metadata: { name: "bad", namespace: "default" },
      spec: { type: "ExternalName", externalName: "", ports },
    });
    const status = async () => {
      const answer = run("ip", ["netns", "exec", lab.hub, "curl", "-s", `${lab.discoveryHttp}/proxies`]);
      const proxies = JSON.parse(answer) as {
        pod: string;
        kinds: Record<string, { state: string; refused?: { message: string } }>;
      }[];
      return proxies.find(({ pod }) => pod === "client")?.kinds.clusters;
    };
    const refused = await eventually("a refusal", async () =>
      (await status())?.state === "NACK" ? await status() : undefined,
    );
    assert.match(refused.refused?.message ?? "", /bad\.default\.svc\.cluster\.local/);
    const metrics = run("ip", ["netns", "exec", lab.hub, "curl", "-s", `${lab.discoveryHttp}/metrics`]);
    assert.match(metrics, /outrigger_discovery_nacks_total\{kind="clusters"\} [1-9]/);
    assert.match(echo(client, "-f", "http://10.96.0.10/").pod, /^reviews-/);
    lab.service("after", {
      ip: "10.96.0.31",
      port: 80,
      targetPort: 8080,
      portName: "http",
      selector: { app: "reviews" },
      pods: servers,
    });
    await eventually("a later Service answers", () =>
      client.curl("-m", "2", "http://8.8.8.8/", "-H", "Host: after").includes("reviews-"),
    );
    lab.remove("Service", "default", "bad");
    await eventually("nothing is refused any more", async () => (await status())?.state === "SYNCED");
  });

  it("gives nothing for a stolen or wrong token", async () => {
    const [victim] = servers;
    assert.ok(victim);
    const longAgo = Math.floor(Date.now() / 1000) - 60;
    const tokens = {
      "other-node": lab.token(victim.identity),
      "wrong-audience": lab.token(victim.identity, { aud: ["https://kubernetes.default.svc"] }),
      "invalid-token": lab.token(victim.identity, { exp: longAgo }),
    };
    for (const [reason, token] of Object.entries(tokens)) {
      const thief = await lab.pod({ name: `thief-${reason}`, labels: { app: "thief" }, token, waits: false });
      const log = () => readFileSync(join(lab.folder, "discovery.log"), "utf8");
      await eventually(`it is sent away: ${reason}`, () => log().includes(reason));
      assert.doesNotMatch(thief.admin("/config_dump?include_eds"), /outbound\|80\|\|reviews|spiffe:/);
      await thief.stop();
    }
  });
});
