import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { eventually } from "./mesh-lab/namespaces.ts";

const project = join(import.meta.dirname, "..", "..");
const name = `mesh-${process.pid}`;
const skip = process.getuid?.() === 0 ? false : "needs root, for network namespaces";

function sandbox(command: string, { input = "" }: { readonly input?: string }, ...args: string[]): string {
  return execFileSync(join(project, "bin", "outrigger"), ["sandbox", command, "--name", name, ...args], {
    encoding: "utf8",
    timeout: 180_000,
    input,
    stdio: "pipe",
  });
}

/** For a command in a Pod that fails once it is so. */
function isSoOrFails(isSo: () => boolean): boolean {
  try {
    return isSo();
  } catch {
    return true;
  }
}

interface Answer {
  readonly service: string;
  readonly pod: string;
  readonly asked?: Answer;
}

describe("outrigger sandbox up --discovery, over IPv6", { skip }, () => {
  const pods = new Map<string, string>();
  const exec = (workload: string, ...command: string[]) =>
    sandbox("exec", {}, "-n", workload === "till" ? "street" : "shop", pods.get(workload) ?? "", "--", ...command);

  before(() => {
    // The lab and the demo have IPv4.
    sandbox(
      "up",
      {},
      "-d",
      "--discovery",
      "--ip-families",
      "ipv6",
      "--wait-timeout",
      "150",
      "-f",
      join(project, "examples", "shop"),
    );
    for (const [, pod = "", workload = ""] of sandbox("ps", {}).matchAll(
      /^\w+ +((\w+(?:-v\d)?)-[a-z0-9]+-[a-z0-9]+) /gm,
    )) {
      pods.set(workload, pod);
    }
  });
  after(() => {
    sandbox("down", {});
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
    assert.match(metrics, /source_workload="front".*source_canonical_service="front"/, "one account, many workloads");
    assert.match(metrics, /destination_workload="catalog"/);
    assert.match(metrics, /connection_security_policy="mutual_tls"/);
  });

  it("puts policies in force that are given later, and nothing else", async () => {
    const policy = (mode: string) => `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: shop }
spec: { mtls: { mode: ${mode} } }
`;
    const isRefused = () => exec("till", "curl", "-s", "-m", "20", "http://front.shop/").includes("catalog") === false;
    sandbox("apply", { input: policy("STRICT") }, "-f", "-");
    await eventually("plain text is refused", () => isSoOrFails(isRefused));
    // The client only sees a closed connection; the server's log tells why.
    const log = () => sandbox("logs", {}, "front", "-c", "istio-proxy");
    await eventually("a line of the refusal", () => /" 0 NR filter_chain_not_found /.test(log()));
    exec("till", "sh", "-c", "echo | openssl s_client -alpn istio -connect front.shop:80 2>&1; true");
    await eventually("a line of the failed handshake", () => /PEER_DID_NOT_RETURN_A_CERTIFICATE/.test(log()));
    assert.match(exec("shopper", "curl", "-s", "-m", "20", "http://front/"), /catalog/);
    assert.throws(() => sandbox("apply", { input: policy("STRICTER") }, "-f", "-"), /STRICTER/);
    assert.throws(() => sandbox("apply", {}, "-f", join(project, "examples", "shop")), /holds more than policies/);
  });

  it("has as many Pods as one says, and others in place of those that are deleted", async () => {
    const reviews = () =>
      [...sandbox("ps", {}).matchAll(/^shop +(reviews-v1-\S+) +2\/2 +Running/gm)].map(([, pod = ""]) => pod);
    const [first = ""] = reviews();
    sandbox("scale", {}, "deploy/reviews-v1", "--replicas", "2");
    sandbox("delete", {}, first, "--grace-period", "0");
    await eventually("two others", () => reviews().length === 2 && !reviews().includes(first));
    sandbox("scale", {}, "reviews-v1", "--replicas", "0");
    await eventually("none", () => reviews().length === 0);
    assert.throws(() => sandbox("scale", {}, "nothing", "--replicas", "1"), /there is no workload nothing/);
  });
});
