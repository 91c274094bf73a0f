import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { at, type JsonValue, resourcesOf, text } from "../../discovery/inspect/config-dump.ts";
import { proxyTable } from "../../discovery/inspect/proxy-tables.ts";
import { podCertificate } from "../../mesh/envoy/pod-certificate.ts";
import { podCertificateSpec, renewPodCertificate } from "./mesh-lab/kubelet-files.ts";
import { createLab, type Lab, type Pod } from "./mesh-lab/lab.ts";
import { eventually, projectFolder, type Running, start } from "./mesh-lab/namespaces.ts";

const skip = process.getuid?.() === 0 ? false : "needs root, for network namespaces";
const signerName = "outrigger.dev/lab";
const echo = [process.execPath, join(projectFolder, "test", "fixtures", "mesh", "http-echo.ts")];

describe("sidecars whose keys the kubelet makes", { skip }, () => {
  const ends: (() => Promise<void> | void)[] = [];
  let lab: Lab;

  const volumeOf = (name: string) => join(lab.folder, `${name}.volume`);
  const renew = (name: string) =>
    renewPodCertificate(volumeOf(name), join(lab.folder, "ca"), `spiffe://cluster.local/ns/default/sa/${name}`);

  /** A Pod with files of the kubelet's. */
  async function podWithFiles(name: string, app?: readonly string[]): Promise<{ pod: Pod; serial: string }> {
    const serial = await renew(name);
    const pod = await lab.pod({
      name,
      labels: { app: "web" },
      spec: podCertificateSpec(signerName),
      mount: { folder: volumeOf(name), at: podCertificate.folder },
      ...(app && { app }),
    });
    return { pod, serial };
  }

  const inUse = (pod: Pod) => pod.admin("/certs").toLowerCase();
  const isUsed = (pod: Pod, serial: string) =>
    eventually(`${pod.name} uses ${serial}`, () => inUse(pod).includes(serial));

  let client: { pod: Pod; serial: string };
  let server: { pod: Pod; serial: string };
  let usual: Pod;
  before(async () => {
    lab = await createLab(
      (end) => ends.unshift(end),
      "--pod-certificates",
      "true",
      "--pod-certificate-signer",
      signerName,
    );
    [client, server, usual] = await Promise.all([
      podWithFiles("client"),
      podWithFiles("server", echo),
      lab.pod({ name: "usual", labels: { app: "web" }, app: echo }),
    ]);
    const web = { ip: "10.96.0.10", port: 80, targetPort: 8080, portName: "http" };
    lab.service("web", { ...web, selector: { app: "web" }, pods: [server.pod, usual] });
    await eventually("both Pods answer", () => {
      // Until the Service is known, its address is nobody's.
      const pods = Array.from({ length: 8 }, () => client.pod.curl("-f", "-m", "3", "http://10.96.0.10/"));
      return ["server", "usual"].every((name) => pods.some((answer) => answer.includes(`"pod":"${name}"`)));
    });
  });
  after(async () => {
    for (const end of ends) await end();
  });

  it("prove who they are by them, to each other and to those with discovery's keys", async () => {
    await isUsed(client.pod, client.serial);
    await isUsed(server.pod, server.serial);
    for (let index = 0; index < 8; index += 1) {
      const answer = client.pod.curl("-f", "http://10.96.0.10/");
      assert.match(answer, /URI=spiffe:\/\/cluster.local\/ns\/default\/sa\/client/);
    }
  });

  it("get no key from discovery, and show none", () => {
    const dump = JSON.parse(client.pod.admin("/config_dump")) as JsonValue;
    const own = resourcesOf(dump, "secrets").find((secret) => text(at(secret, "name")) === "default");
    const { folder } = podCertificate;
    assert.equal(text(at(own, "secret", "tls_certificate", "watched_directory", "path")), folder);
    const shown = JSON.stringify(own).replaceAll(/"inline_bytes":"([^"]*)"/g, (_, bytes) =>
      Buffer.from(bytes, "base64").toString(),
    );
    assert.match(shown, /BEGIN CERTIFICATE/);
    assert.doesNotMatch(shown, /PRIVATE KEY/);
    const usualDump = JSON.parse(usual.admin("/config_dump")) as JsonValue;
    const table = proxyTable("secrets", dump, new Date());
    assert.match(table, new RegExp(`default .* true .*sa/client .* ${folder}`));
    assert.match(proxyTable("secrets", usualDump, new Date()), /default .* true .*sa\/usual .* SDS/);
  });

  it("take up new ones while requests go on, and none fails", async () => {
    const log = join(lab.folder, "requests.log");
    const request = "curl -s -f -m 10 -o /dev/null http://10.96.0.10/ && echo ok || echo failed";
    const requests: Running = start({
      netns: client.pod.netns,
      user: 1000,
      log,
      command: ["sh", "-c", `while :; do ${request}; done`],
    });
    ends.unshift(() => requests.kill());
    const lines = () => requests.output().split("\n").slice(0, -1);
    for (let round = 0; round < 5; round += 1) {
      for (const { pod } of [client, server]) {
        const before = lines().length;
        const serial = await renew(pod.name);
        await isUsed(pod, serial);
        await eventually("some more requests", () => lines().length >= before + 20);
      }
    }
    await requests.kill();
    assert.deepEqual(
      lines().filter((line) => line !== "ok"),
      [],
    );
    assert.doesNotMatch(readFileSync(join(lab.folder, "discovery.log"), "utf8"), /refused a configuration/);
  });
});
