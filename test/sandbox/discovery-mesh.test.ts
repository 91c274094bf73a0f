import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createLab, type Lab, type Pod } from "./mesh-lab/lab.ts";
import { eventually, projectFolder, run } from "./mesh-lab/namespaces.ts";

const app = [process.execPath, join(projectFolder, "test", "fixtures", "mesh", "http-echo.ts")];
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
  let outsider: Pod;

  const echo = (from: Pod, ...args: string[]): Echo => JSON.parse(from.curl(...args)) as Echo;

  before(async () => {
    lab = await createLab((end) => ends.unshift(end));
    lab.put({ kind: "Namespace", metadata: { name: "default" } });
    client = await lab.pod({ name: "client", labels: { app: "client" } });
    servers = [
      await lab.pod({ name: "reviews-1", serviceAccount: "reviews", labels: { app: "reviews" }, app }),
      await lab.pod({ name: "reviews-2", serviceAccount: "reviews", labels: { app: "reviews" }, app }),
    ];
    outsider = await lab.pod({ name: "outsider", meshed: false, labels: { app: "outsider" }, app });
    lab.service("reviews", {
      ip: "10.96.0.10",
      port: 80,
      targetPort: 8080,
      portName: "http",
      selector: { app: "reviews" },
      pods: servers,
    });
    lab.service("outsider", {
      ip: "10.96.0.11",
      port: 80,
      targetPort: 8080,
      portName: "http",
      selector: { app: "outsider" },
      pods: [outsider],
    });
  });
  after(async () => {
    for (const end of ends) await end();
  });

  it("finds a Service by the Host, whatever the address", async () => {
    await eventually("the service answers", () =>
      echo(client, "-m", "1", "http://10.96.0.10/", "-H", "Host: reviews").pod.startsWith("reviews"),
    );
    for (const host of ["reviews", "reviews.default", "reviews.default.svc", "reviews.default.svc.cluster.local:80"]) {
      assert.match(echo(client, "http://8.8.8.8/", "-H", `Host: ${host}`).pod, /^reviews-/, host);
    }
  });

  it("spreads requests over Pods", () => {
    const pods = new Set(Array.from({ length: 20 }, () => echo(client, "http://10.96.0.10/").pod));
    assert.deepEqual([...pods].sort(), ["reviews-1", "reviews-2"]);
  });

  it("shows the server who the client is", () => {
    const { headers } = echo(client, "http://10.96.0.10/");
    assert.match(headers["x-forwarded-client-cert"] ?? "", /URI=spiffe:\/\/cluster.local\/ns\/default\/sa\/client/);
  });

  it("had nothing refused", () => {
    const status = run("ip", ["netns", "exec", lab.hub, "curl", "-s", `${lab.discoveryHttp}/proxies`]);
    for (const proxy of JSON.parse(status)) {
      for (const [kind, record] of Object.entries(
        proxy.kinds as Record<string, { state: string; refused?: unknown }>,
      )) {
        assert.equal(record.refused, undefined, `${proxy.pod} ${kind}: ${JSON.stringify(record.refused)}`);
      }
    }
  });
});
