import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createLab, type Lab, type Pod } from "./mesh-lab/lab.ts";
import { eventually, projectFolder, run, start } from "./mesh-lab/namespaces.ts";

const skip = process.getuid?.() === 0 ? false : "needs root, for network namespaces";
const app = [process.execPath, join(projectFolder, "test", "fixtures", "mesh", "http-echo.ts")];

interface RouteTable {
  readonly name: string;
  readonly virtual_hosts?: readonly { readonly name: string; readonly domains: readonly string[] }[];
}

describe("route tables of real Envoys, whose virtual hosts come one by one", { skip }, () => {
  const ends: (() => Promise<void> | void)[] = [];
  let lab: Lab;
  let client: Pod;
  let server: Pod;
  let outsider: Pod;
  /** It keeps listeners that went, as a Pod in a cluster does. */
  let draining: Pod;

  const service = (name: string, ip: string, port = 80, namespace = "default") =>
    lab.service(name, {
      namespace,
      ip,
      port,
      targetPort: 8080,
      portName: "http",
      selector: { app: "web" },
      pods: [server],
    });
  const answer = (url: string, ...args: string[]) => client.curl("-m", "20", ...args, url);
  const byHost = (host: string, port = 80, ...args: string[]) =>
    answer(`http://198.51.100.1:${port}/`, "-H", `Host: ${host}`, ...args);
  /** To a Pod that no Service explains. */
  const elsewhere = () => answer(`http://${outsider.ip}:8080/`, "-H", "Host: unknown.example", "-w", "%{http_code}");
  const reaches = (host: string, port = 80) =>
    eventually(`${host}:${port} answers`, () => byHost(host, port, "-m", "1").includes('"pod":"web"'));
  const tables = (of = client): RouteTable[] => {
    const { configs } = JSON.parse(of.admin("/config_dump")) as {
      configs: { "@type": string; dynamic_route_configs?: { route_config: RouteTable }[] }[];
    };
    return configs.flatMap(({ dynamic_route_configs: found }) => (found ?? []).map((each) => each.route_config));
  };
  const hostsOf = (table: string, of = client) =>
    tables(of)
      .filter(({ name }) => name === table)
      .flatMap(({ virtual_hosts: hosts }) => (hosts ?? []).map(({ name }) => name))
      .sort();
  const hasNoListener = () => !client.admin("/listeners").includes("0.0.0.0_8080");
  /** Envoy keeps it until the listener's connections are drained. */
  const hasNoTable = () => !tables().some(({ name }) => name === "8080");

  before(async () => {
    lab = await createLab((end) => ends.unshift(end));
    client = await lab.pod({ name: "client", labels: { app: "client" }, drainSeconds: 1 });
    draining = await lab.pod({ name: "draining", labels: { app: "draining" } });
    server = await lab.pod({ name: "web", serviceAccount: "web", labels: { app: "web" }, app });
    outsider = await lab.pod({ name: "outsider", meshed: false, labels: { app: "outsider" }, app });
    service("reviews", "10.96.0.10");
    service("ratings", "10.96.0.11", 80, "other");
    await reaches("reviews");
    await reaches("ratings.other");
  });
  after(async () => {
    for (const end of ends) await end();
  });

  it("finds a Service by every form of its name and by its address, with and without the port, in any case", () => {
    const forms = ["reviews", "reviews.default", "reviews.default.svc", "reviews.default.svc.cluster.local"];
    const far = ["ratings.other", "ratings.other.svc", "ratings.other.svc.cluster.local"];
    for (const form of [...forms, ...far, "10.96.0.10", "10.96.0.11"]) {
      for (const host of [form, `${form}:80`, form.toUpperCase()])
        assert.match(byHost(host), /"pod":"web"/, `Host: ${host}`);
    }
  });

  it("shows in its configuration what is routed where", () => {
    assert.deepEqual(hostsOf("80"), [
      "80/allow_any",
      "80/ratings.other.svc.cluster.local:80",
      "80/reviews.default.svc.cluster.local:80",
    ]);
    const command = [join(projectFolder, "bin", "outrigger"), "proxy-config", "routes", "--url"];
    const shown = run("ip", ["netns", "exec", client.netns, ...command, "http://127.0.0.1:15000"]);
    assert.match(shown, /80 +reviews\.default\.svc\.cluster\.local:80 +\S.*outbound\|80\|\|reviews\.default/);
    assert.match(shown, /80 +allow_any +\* +\/\* +PassthroughCluster/);
  });

  it("fills a table that comes later, and again when it was gone meanwhile", async () => {
    assert.match(elsewhere(), /"pod":"outsider".*200$/s);
    for (const gone of [hasNoListener, hasNoTable]) {
      service("api", "10.96.0.12", 8080);
      await reaches("api", 8080);
      assert.match(elsewhere(), /"pod":"outsider".*200$/s, "the port has a table now");
      lab.remove("Service", "default", "api");
      await eventually(gone.name, gone);
    }
    service("api", "10.96.0.12", 8080);
    await reaches("api", 8080);
    assert.match(byHost("reviews"), /"pod":"web"/);
  });

  it("leaves connections of a listener that went their way to what no Service explains", async () => {
    const listens = () => draining.admin("/listeners").includes("0.0.0.0_8080");
    service("api", "10.96.0.12", 8080);
    await eventually("the port has a listener", listens);
    const log = join(lab.folder, "kept.log");
    // Standard error, which curl does not keep back.
    const format = ["-o", "/dev/null", "-w", "%{stderr}%{http_code}\\n"];
    const request = ["-H", "Host: unknown.example", `http://${outsider.ip}:8080/?[1-100000]`];
    const kept = start({
      netns: draining.netns,
      user: 1000,
      log,
      command: ["curl", "-s", "--rate", "50/s", ...format, ...request],
    });
    ends.unshift(() => kept.kill());
    const answers = () => kept.output().split("\n").slice(0, -1);
    await eventually("requests", () => answers().length > 2);
    lab.remove("Service", "default", "api");
    await eventually("the listener is gone", () => !listens());
    await eventually("the Service's host is gone", () => hostsOf("8080", draining).length === 1);
    assert.deepEqual(hostsOf("8080", draining), ["8080/allow_any"]);
    const seen = answers().length;
    await eventually("more requests", () => answers().length > seen + 5);
    await kept.kill();
    assert.deepEqual(
      answers().filter((code) => code !== "200"),
      [],
    );
  });

  it("takes single hosts out and puts them in", async () => {
    service("passing", "10.96.0.13");
    await reaches("passing");
    lab.remove("Service", "default", "passing");
    await eventually("the host is gone", () => !hostsOf("80").includes("80/passing.default.svc.cluster.local:80"));
    assert.equal(hostsOf("80").length, 3);
  });

  it("is brought up to date when discovery comes back with other Services, and another policy", async () => {
    await lab.discovery.kill();
    lab.remove("Service", "other", "ratings");
    lab.remove("Service", "default", "api");
    service("late", "10.96.0.14");
    await lab.startDiscovery("--outbound-traffic-policy", "REGISTRY_ONLY");
    await eventually("the Service that came is there", () => byHost("late", 80, "-m", "1").includes('"pod":"web"'));
    assert.deepEqual(hostsOf("80"), [
      "80/block_all",
      "80/late.default.svc.cluster.local:80",
      "80/reviews.default.svc.cluster.local:80",
    ]);
    await eventually("the table of the Service that went is gone", hasNoTable);
    service("api", "10.96.0.12", 8080);
    await reaches("api", 8080);
    assert.match(elsewhere(), /502$/);
    assert.equal(byHost("ratings.other"), "");
  });

  it("had nothing refused", () => {
    assert.doesNotMatch(readFileSync(join(lab.folder, "discovery.log"), "utf8"), /refused a configuration/);
  });
});
