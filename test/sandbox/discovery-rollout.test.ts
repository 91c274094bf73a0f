import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createLab, type Lab, type Pod } from "./mesh-lab/lab.ts";
import { eventually, projectFolder, type Running, start } from "./mesh-lab/namespaces.ts";

const skip = process.getuid?.() === 0 ? false : "needs root, for network namespaces";
const app = [process.execPath, join(projectFolder, "test", "fixtures", "mesh", "http-echo.ts")];

// Pods come and stop as in a Deployment's rollout, while requests go on: short ones, long ones, and on kept connections.

describe("a rollout", { skip }, () => {
  const ends: (() => Promise<void> | void)[] = [];
  let lab: Lab;
  let client: Pod;
  let count = 0;

  const nextPod = () => {
    count += 1;
    return lab.pod({ name: `web-${count}`, serviceAccount: "web", labels: { app: "web" }, app });
  };
  const web = (pods: Pod[], terminating: Pod[] = []) =>
    lab.service("web", {
      ...{ ip: "10.96.0.10", port: 80, targetPort: 8080, portName: "http", selector: { app: "web" } },
      ...{ pods, terminating },
    });
  const knows = ({ ip }: Pod) => client.admin("/clusters").includes(`${ip}:8080::`);
  /** One line for each answer: its status. Ends at a sign, after the request that is under way. */
  const requests = (name: string, urls: string): Running => {
    const curl = `curl -s -m 30 -o /dev/null -w '%{http_code}\\n' ${urls}`;
    const command = ["sh", "-c", `while [ ! -e ${join(lab.folder, "enough")} ]; do ${curl}; done; echo end`];
    const loop = start({ netns: client.netns, log: join(lab.folder, `${name}.log`), user: 1000, command });
    ends.unshift(() => loop.kill());
    return loop;
  };
  const answers = (loop: Running) => loop.output().trim().split("\n");

  /** In the kubelet's order: told to all, waited for (the sidecar's preStop), the application, the sidecar. */
  async function terminate(pod: Pod, others: Pod[]): Promise<void> {
    web(others, [pod]);
    await eventually(`${pod.name} gets nothing new`, () => !knows(pod));
    await pod.app?.kill("SIGTERM");
    await pod.envoy?.kill("SIGTERM");
    web(others);
    lab.remove("Pod", "default", pod.name);
  }

  before(async () => {
    lab = await createLab((end) => ends.unshift(end));
    client = await lab.pod({ name: "client" });
  });
  after(async () => {
    for (const end of ends) await end();
  });

  it("loses no request, however long it takes and whatever connection it is on", async () => {
    let pods = await Promise.all([nextPod(), nextPod()]);
    web(pods);
    await eventually("the first Pods answer", () =>
      client.curl("-f", "-m", "2", "http://10.96.0.10/").includes("web-"),
    );
    const url = "http://10.96.0.10/";
    const loops = [requests("short", url), requests("long", `'${url}?delay=700'`), requests("kept", `'${url}?[1-20]'`)];
    for (let turn = 0; turn < 2; turn += 1) {
      const [oldest, ...others] = pods;
      assert.ok(oldest);
      const newest = await nextPod();
      pods = [...others, newest];
      web([oldest, ...pods]);
      await eventually(`${newest.name} is known`, () => knows(newest));
      const seen = loops.map((loop) => answers(loop).length);
      await eventually("some more requests", () =>
        loops.every((loop, at) => answers(loop).length > (seen[at] ?? 0) + 1),
      );
      await terminate(oldest, pods);
    }
    writeFileSync(join(lab.folder, "enough"), "");
    for (const loop of loops) {
      await eventually("the last answer", () => answers(loop).at(-1) === "end");
      const given = answers(loop).slice(0, -1);
      assert.deepEqual([...new Set(given)], ["200"], `of ${given.length} answers`);
    }
  });

  it("asks a Pod that stops as long as there is no other", async () => {
    const [last] = [await nextPod()];
    web([], [last]);
    await eventually("it is known", () => knows(last));
    await eventually("it answers", () => client.curl("-f", "-m", "2", "http://10.96.0.10/").includes(`"${last.name}"`));
  });
});
