import { hostname } from "node:os";
import { Command } from "commander";
import type { LogLevel } from "../host/log.ts";
import { wholeNumber, withLog, withLogLevel } from "../host/service-command.ts";
import { OutriggerError } from "../mesh/errors.ts";
import type { CertificateFiles } from "./certificate-files.ts";
import { type ClusterFlags, clusterOptions, withClusterFlags } from "./cluster-flags.ts";
import { type InjectionFlags, withInjectionFlags } from "./injection-flags.ts";
import { defaultLimits } from "./limits.ts";
import { runWebhook } from "./main.ts";

interface Options extends InjectionFlags, ClusterFlags {
  readonly address: string;
  readonly port: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly maxConnections: number;
  readonly requestTimeout: number;
  readonly drainDelay: number;
  readonly drainTimeout: number;
  readonly logLevel: LogLevel;
}

const examples = `
Examples:
  outrigger webhook --tls-cert tls.crt --tls-key tls.key
  outrigger webhook --address 127.0.0.1 --port 0 --tls-cert tls.crt --tls-key tls.key
  outrigger webhook --self-managed-certificate --config-map outrigger --watch-nodes
  curl --cacert ca.crt https://localhost:15017/readyz

POST /inject takes an AdmissionReview (admission.k8s.io v1 or v1beta1); GET /healthz, /readyz and /metrics are served
on the same port. The certificate's files are read again when they change. SIGTERM drains: /readyz says no, requests
are answered for --drain-delay seconds more, then the port closes.
`;

function serverOptions(command: Command): Command {
  const seconds = wholeNumber(0, 600);
  return withLogLevel(command)
    .option("--address <address>", "the address to listen on; :: is all of them, IPv4 too", "::")
    .option("--port <number>", "the port to listen on; 0 is any free one", wholeNumber(0, 65535), 15017)
    .option("--tls-cert <file>", "the server's certificate and its intermediates, PEM")
    .option("--tls-key <file>", "the certificate's private key, PEM")
    .option(
      "--max-connections <number>",
      "connections served at once",
      wholeNumber(1, 100_000),
      defaultLimits.connections,
    )
    .option("--request-timeout <seconds>", "for a whole request to arrive", wholeNumber(1, 600), 10)
    .option("--drain-delay <seconds>", "how long to serve after SIGTERM while not ready", seconds, 5)
    .option("--drain-timeout <seconds>", "how long requests in flight may take after that", seconds, 15);
}

/** Exactly one source of the certificate. */
function certificateFiles({ tlsCert, tlsKey, selfManagedCertificate }: Options): CertificateFiles | undefined {
  if (tlsCert !== undefined && tlsKey !== undefined && !selfManagedCertificate) {
    return { certificate: tlsCert, privateKey: tlsKey };
  }
  if (tlsCert === undefined && tlsKey === undefined && selfManagedCertificate) return undefined;
  throw new OutriggerError("BAD_FLAG", [
    {
      field: "--tls-cert, --tls-key, --self-managed-certificate",
      message: "do not say where the certificate comes from",
      remedy: "give both files, or let the webhook manage its own",
    },
  ]);
}

async function run(options: Options): Promise<void> {
  const server = {
    address: options.address,
    port: options.port,
    certificateFiles: certificateFiles(options),
    injection: options,
    cluster: clusterOptions(options, process.env.POD_NAME ?? hostname()),
    limits: {
      ...defaultLimits,
      connections: options.maxConnections,
      requestTimeoutMs: options.requestTimeout * 1000,
    },
    drain: { delayMs: options.drainDelay * 1000, timeoutMs: options.drainTimeout * 1000 },
  };
  await withLog(options.logLevel, (log) => runWebhook(server, log), "together");
}

/** `outrigger webhook`: serves the mutating admission webhook over HTTPS. */
export function command(): Command {
  const webhook = new Command("webhook").description("Serve the mutating admission webhook that injects Pods.");
  return withInjectionFlags(withClusterFlags(serverOptions(webhook)))
    .addHelpText("after", examples)
    .action(run);
}
