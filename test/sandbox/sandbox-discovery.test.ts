import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { eventually } from "./mesh-lab/namespaces.ts";

const project = join(import.meta.dirname, "..", "..");
const name = `mesh-${process.pid}`;
const skip = process.getuid?.() === 0 ? false : "needs root, for network namespaces";

function sandbox(command: string, ...args: string[]): string {
  return execFileSync(join(project, "bin", "outrigger"), ["sandbox", command, "--name", name, ...args], {
    encoding: "utf8",
    timeout: 180_000,
  });
}

interface Answer {
  readonly service: string;
  readonly pod: string;
  readonly asked?: Answer;
}

describe("outrigger sandbox up --discovery", { skip }, () => {
  const pods = new Map<string, string>();
  const exec = (workload: string, ...command: string[]) =>
    sandbox("exec", "-n", workload === "till" ? "street" : "shop", pods.get(workload) ?? "", "--", ...command);

  before(() => {
    sandbox("up", "-d", "--discovery", "--wait-timeout", "150", "-f", join(project, "examples", "shop"));
    for (const [, pod = "", workload = ""] of sandbox("ps").matchAll(/^\w+ +((\w+(?:-v\d)?)-[a-z0-9]+-[a-z0-9]+) /gm)) {
      pods.set(workload, pod);
    }
  });
  after(() => {
    sandbox("down");
  });

  it("makes the shop a mesh: requests go on by name, each to its own Pod, in mutual TLS", async () => {
    const seen = new Set<string>();
    await eventually("both versions of reviews answered", () => {
      const answer = JSON.parse(exec("shopper", "curl", "-s", "-m", "20", "http://front/")) as Answer;
      assert.deepEqual(
        [answer.service, answer.asked?.service, answer.asked?.asked?.service],
        ["front", "catalog", "reviews"],
      );
      seen.add(answer.asked?.asked?.pod ?? "");
      return seen.size === 2;
    });
    const metrics = await eventually("the requests are counted", () =>
      exec("catalog", "curl", "-s", "http://127.0.0.1:15090/stats/prometheus")
        .split("\n")
        .find((line) => /^istio_requests_total\{reporter="destination"/.test(line)),
    );
    assert.match(metrics, /source_principal="spiffe:\/\/cluster\.local\/ns\/shop\/sa\/default"/);
    assert.match(metrics, /destination_workload="catalog"/);
    assert.match(metrics, /connection_security_policy="mutual_tls"/);
  });
});
