import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createLab, type Lab, type Pod } from "./mesh-lab/lab.ts";
import { eventually, projectFolder, start } from "./mesh-lab/namespaces.ts";

const skip = process.getuid?.() === 0 ? false : "needs root, for network namespaces";
const app = [process.execPath, join(projectFolder, "test", "fixtures", "mesh", "http-echo.ts")];

// Two zones: a client and one server in `a`, one server in `b`.

describe("a Service that prefers what is near", { skip }, () => {
  const ends: (() => Promise<void> | void)[] = [];
  let lab: Lab;
  let client: Pod;
  let near: Pod;
  let far: Pod;

  const node = (name: string, zone: string) =>
    lab.put({
      kind: "Node",
      metadata: {
        name,
        labels: { "topology.kubernetes.io/region": "us", "topology.kubernetes.io/zone": zone },
      },
    });
  const service = (name: string, ip: string, pods: Pod[], trafficDistribution: string) =>
    lab.service(name, {
      ...{ ip, port: 80, targetPort: 8080, portName: "http", selector: { app: "web" } },
      ...{ pods, trafficDistribution },
    });
  const web = (...pods: Pod[]) => service("web", "10.96.0.10", pods, "PreferClose");
  /** Who answers some requests, all of which must succeed. */
  const answering = (ip = "10.96.0.10", requests = 10): string[] => {
    const pods = Array.from({ length: requests }, () => {
      return (JSON.parse(client.curl("-f", "-m", "20", `http://${ip}/`)) as { pod: string }).pod;
    });
    return [...new Set(pods)].sort();
  };
  const movesTo = (pod: Pod) => eventually(`${pod.name} alone answers`, () => answering().join() === pod.name);

  before(async () => {
    lab = await createLab((end) => ends.unshift(end));
    node("client-node", "a");
    node("a-node", "a");
    node("b-node", "b");
    const server = { serviceAccount: "web", labels: { app: "web" }, app };
    [client, near, far] = await Promise.all([
      lab.pod({ name: "client", node: "client-node" }),
      lab.pod({ name: "near", node: "a-node", ...server }),
      lab.pod({ name: "far", node: "b-node", ...server }),
    ]);
    web(near, far);
    service("even", "10.96.0.11", [near, far], "Any");
    for (const ip of ["10.96.0.10", "10.96.0.11"]) {
      // Until the client knows a Service, it goes on to an address that nobody has.
      await eventually("the client knows both Services", () => client.curl("-f", "-m", "2", `http://${ip}/`));
    }
  });
  after(async () => {
    for (const end of ends) await end();
  });

  it("is answered from the client's zone, and another Service from everywhere", async () => {
    await movesTo(near);
    await eventually("both answer", () => answering("10.96.0.11").join() === "far,near");
  });

  it("goes over while no endpoint of the zone is ready, and comes back", async () => {
    web(far);
    await movesTo(far);
    web(near, far);
    await movesTo(near);
  });

  it("follows the client into another zone", async () => {
    node("client-node", "b");
    await movesTo(far);
    node("client-node", "a");
    await movesTo(near);
  });

  it("goes over at once when the application of the zone dies, and comes back when it is there again", async () => {
    await near.app?.kill();
    assert.deepEqual(answering(), ["far"], "no request fails");
    const log = join(lab.folder, "again.log");
    const again = start({ netns: near.netns, user: 1000, log, command: app, env: { POD_NAME: "near" } });
    ends.unshift(() => again.kill());
    await movesTo(near);
  });

  it("goes over at once when a Pod of the zone is gone and nobody knows", async () => {
    await near.stop();
    assert.deepEqual(answering(), ["far"], "no request fails");
    await eventually("the Pod is left out", () => {
      answering();
      return new RegExp(`outbound\\|80\\|\\|web\\..*${near.ip}:8080::health_flags::.*failed_outlier_check`).test(
        client.admin("/clusters"),
      );
    });
  });

  it("shows a person who is preferred", () => {
    const priorities = [...client.admin("/clusters").matchAll(/\|\|web\..*::(10\.44\S+)::priority::(\d)/g)];
    const found = Object.fromEntries(priorities.map(([, address = "", priority = ""]) => [address, priority]));
    assert.deepEqual(found, { [`${near.ip}:8080`]: "0", [`${far.ip}:8080`]: "1" });
  });
});
