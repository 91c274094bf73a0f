import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createRegistry, toJson } from "@bufbuild/protobuf";
import { FilterSchema } from "../../discovery/proto/envoy/config/listener/v3/listener_components_pb.js";
import { TypedStructSchema } from "../../discovery/proto/xds/type/v3/typed_struct_pb.js";
import { certifiedNames, knowPeer, peerTags } from "../../discovery/translate/peer-workload.ts";
import { createAuthority, type IssuedCertificate, issueCertificate } from "../../host/x509.ts";
import type { SubjectNames } from "../../host/x509-names.ts";
import { eventually } from "./mesh-lab/namespaces.ts";

const root = join(import.meta.dirname, "../..");
const identity = "spiffe://cluster.local/ns/shop/sa/till";

const authority = await createAuthority({ commonName: "root", lifetimeMs: 3_600_000 });
const certificate = (names: SubjectNames) =>
  issueCertificate(authority, { names, lifetimeMs: 3_600_000, usages: ["server", "client"] });

/** An Envoy with one port in mutual TLS that writes what metrics would say of a client. */
async function startServer(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-peer-"));
  const own = await certificate({ dns: ["localhost"] });
  const extension = "type.googleapis.com/envoy.extensions";
  const manager = `${extension}.filters.network.http_connection_manager.v3.HttpConnectionManager`;
  const line = `${JSON.stringify(peerTags)}\n`;
  const server = {
    name: "server",
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    filter_chains: [
      {
        transport_socket: {
          name: "tls",
          typed_config: {
            "@type": `${extension}.transport_sockets.tls.v3.DownstreamTlsContext`,
            require_client_certificate: true,
            common_tls_context: {
              tls_certificates: [
                {
                  certificate_chain: { inline_string: own.certificate },
                  private_key: { inline_string: own.privateKey },
                },
              ],
              validation_context: { trusted_ca: { inline_string: authority.pem.certificate } },
            },
          },
        },
        filters: [
          toJson(FilterSchema, knowPeer, { registry: createRegistry(TypedStructSchema) }),
          {
            name: "http",
            typed_config: {
              "@type": manager,
              stat_prefix: "http",
              access_log: [
                {
                  name: "stdout",
                  typed_config: {
                    "@type": `${extension}.access_loggers.stream.v3.StdoutAccessLog`,
                    log_format: { text_format_source: { inline_string: line } },
                  },
                },
              ],
              http_filters: [
                { name: "router", typed_config: { "@type": `${extension}.filters.http.router.v3.Router` } },
              ],
              route_config: {
                virtual_hosts: [
                  {
                    name: "all",
                    domains: ["*"],
                    routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
                  },
                ],
              },
            },
          },
        ],
      },
    ],
  };
  const bootstrap = {
    admin: { address: { socket_address: { address: "127.0.0.1", port_value: 0 } } },
    static_resources: { listeners: [server] },
  };
  const envoy = execFileSync(join(root, "tools/envoy.sh"), { encoding: "utf8" }).trim();
  const addressFile = join(folder, "admin");
  const flags = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "error"];
  const process = spawn(
    envoy,
    [
      "--config-yaml",
      JSON.stringify(bootstrap),
      "--admin-address-path",
      addressFile,
      "--file-flush-interval-msec",
      "20",
      ...flags,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = new Promise((resolve) => process.once("exit", resolve));
  t.after(async () => {
    process.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true });
  });
  let lines = "";
  process.stdout.setEncoding("utf8").on("data", (text) => {
    lines += text;
  });
  const port = await eventually("the listener is open", async () => {
    if (!existsSync(addressFile)) return undefined;
    const answer = await fetch(`http://${readFileSync(addressFile, "utf8")}/listeners`);
    return Number(/^server::.*:(\d+)$/m.exec(await answer.text())?.[1] ?? 0) || undefined;
  });
  return { port, lines: () => lines.split("\n").filter((text) => text !== "") };
}

async function visit(port: number, { certificate: cert, privateKey: key }: IssuedCertificate): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const options = { host: "127.0.0.1", port, cert, key, ca: authority.pem.certificate, servername: "localhost" };
  request({ ...options, agent: false }, (response) => {
    response.resume().once("end", resolve);
  })
    .once("error", reject)
    .end();
  await promise;
}

const unknown = { workload: "unknown", service: "unknown", revision: "unknown" };
const oid = certifiedNames(identity, "").other?.[0]?.oid ?? "";
const uri = [identity];

const cases: { what: string; names: SubjectNames; expected: Record<string, string> }[] = [
  {
    what: "a workload of the mesh",
    names: certifiedNames(identity, "till-v1/till/v1.2_x"),
    expected: { namespace: "shop", workload: "till-v1", service: "till", revision: "v1.2_x" },
  },
  { what: "one whose certificate names no workload", names: { uri }, expected: { namespace: "shop", ...unknown } },
  {
    what: "one whose certificate has another name of that kind",
    names: { uri, other: [{ oid, text: "till" }] },
    expected: { namespace: "shop", ...unknown },
  },
  {
    what: "one whose name has characters that names do not have",
    names: { uri, other: [{ oid, text: 'a"b\n}/c,d/%REQ(X)%' }] },
    expected: { namespace: "shop", ...unknown },
  },
  {
    what: "a name without end",
    names: { uri, other: [{ oid, text: `${"a".repeat(3000)}/b/c` }] },
    expected: { namespace: "shop", workload: "a".repeat(253), service: "b", revision: "c" },
  },
  {
    what: "another identity of the trust domain",
    names: { ...certifiedNames("spiffe://cluster.local/gateway", "edge/edge/v1") },
    expected: { namespace: "unknown", workload: "edge", service: "edge", revision: "v1" },
  },
];

test("a server's metrics know a client as its certificate has it", async (t) => {
  const { port, lines } = await startServer(t);
  for (const [index, { what, names, expected }] of cases.entries()) {
    await t.test(what, async () => {
      await visit(port, await certificate(names));
      const line = await eventually("the line is written", () => lines()[index]);
      const said = JSON.parse(line) as Record<string, string>;
      assert.deepEqual(
        {
          namespace: said.source_workload_namespace,
          workload: said.source_workload,
          service: said.source_canonical_service,
          revision: said.source_canonical_revision,
        },
        expected,
      );
      assert.equal(said.source_principal, names.uri?.[0]);
    });
  }
});
