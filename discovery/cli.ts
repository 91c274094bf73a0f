import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { Command, InvalidArgumentError, Option } from "commander";
import { createLog, type LogLevel, logLevels } from "../host/log.ts";
import { type KeyAlgorithm, keyAlgorithms } from "../host/x509-keys.ts";
import { tokenAudience } from "../mesh/envoy/discovery.ts";
import { OutriggerError } from "../mesh/errors.ts";
import type { Authenticator } from "./identity/authentication.ts";
import { type AuthoritySource, authorityFolder } from "./identity/authority-source.ts";
import { localTokens } from "./identity/local-tokens.ts";
import { type DiscoveryOptions, type ObjectSource, runDiscovery } from "./main.ts";
import { followFile } from "./registry/file-source.ts";
import { defaultSettings, type MeshSettings } from "./translate/settings.ts";

interface Options {
  readonly address: string;
  readonly port: number;
  readonly httpPort: number;
  readonly servingName: readonly string[];
  readonly objects?: string;
  readonly caFolder?: string;
  readonly caSecret: string;
  readonly createCa: boolean;
  readonly publishRoot?: string;
  readonly tokenKey?: string;
  readonly tokenIssuer: string;
  readonly tokenAudience: string;
  readonly domain: string;
  readonly trustDomain: string;
  readonly rootNamespace: string;
  readonly exportTo: string;
  readonly outboundTrafficPolicy: MeshSettings["outboundTraffic"];
  readonly accessLog: MeshSettings["accessLog"];
  readonly tracingCollector?: string;
  readonly tracingSampling: number;
  readonly certificateLifetime: number;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly drain: number;
  readonly logLevel: LogLevel;
}

const examples = `
Examples:
  outrigger discovery
  outrigger discovery --ca-secret cacerts --outbound-traffic-policy REGISTRY_ONLY --access-log json
  outrigger discovery --objects cluster.json --ca-folder ca --create-ca --token-key tokens.pub.pem --serving-name 10.0.0.1

Proxies connect to --port by delta ADS over TLS and show their Pod's service-account token. --http-port has /healthz,
/readyz, /metrics and /proxies, which \`outrigger proxy-status\` reads. Without --objects the cluster is read from the
Kubernetes API, and tokens are reviewed there. SIGTERM drains: the proxies are sent to other replicas one by one.
`;

function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
  };
}

function serverOptions(command: Command): Command {
  const names = (name: string, before: readonly string[]) => [...before, name];
  return command
    .option("--address <address>", "the address to listen on", "::")
    .option("--port <number>", "the port that proxies connect to; 0 is any free one", wholeNumber(0, 65535), 15012)
    .option("--http-port <number>", "the port of health and metrics; 0 is any free one", wholeNumber(0, 65535), 15014)
    .option("--serving-name <name>", "a DNS name or address that proxies reach it by; may be repeated", names, [])
    .option("--drain <seconds>", "over how long proxies are sent away after SIGTERM", wholeNumber(0, 600), 10)
    .addOption(new Option("--log-level <level>", "the least that is logged").choices(logLevels).default("info"));
}

function identityOptions(command: Command): Command {
  return command
    .option("--ca-secret <name>", "in the root namespace: the mesh's authority; made if there is none", "outrigger-ca")
    .option("--ca-folder <folder>", "instead of a Secret: ca-cert.pem, ca-key.pem, cert-chain.pem, root-cert.pem")
    .option(
      "--publish-root <name>",
      "a ConfigMap in the root namespace to put the root in that proxies know discovery by",
    )
    .option("--create-ca", "make what --ca-folder does not have: the mesh's root, and discovery's own", false)
    .addOption(new Option("--key-algorithm <name>", "of workloads' keys").choices(keyAlgorithms).default("ecdsa"))
    .option("--certificate-lifetime <minutes>", "of workloads", wholeNumber(1, 525_600), 24 * 60)
    .option("--token-key <file>", "check tokens against this public key (PEM) instead of asking the API server")
    .option("--token-issuer <issuer>", "with --token-key", "https://kubernetes.default.svc")
    .option("--token-audience <audience>", "whom tokens must be for", tokenAudience);
}

function meshOptions(command: Command): Command {
  const { domain, trustDomain, rootNamespace, exportTo, outboundTraffic, accessLog } = defaultSettings;
  return command
    .option("--objects <file>", "a List of Kubernetes objects as JSON, followed as it changes, instead of the API")
    .option("--domain <domain>", "the end of every Service's name", domain)
    .option("--trust-domain <domain>", "the first part of every identity", trustDomain)
    .option("--root-namespace <namespace>", "where policies for the whole mesh stand", rootNamespace)
    .option(
      "--export-to <namespaces>",
      "who sees Services that say nothing: * all, . their own namespace, names",
      exportTo,
    )
    .addOption(
      new Option("--outbound-traffic-policy <policy>", "for destinations that no Service has")
        .choices(["ALLOW_ANY", "REGISTRY_ONLY"])
        .default(outboundTraffic),
    )
    .addOption(new Option("--access-log <format>", "of sidecars").choices(["text", "json", "off"]).default(accessLog))
    .option("--tracing-collector <host:port>", "an OpenTelemetry collector's Service and OTLP gRPC port")
    .option("--tracing-sampling <percent>", "of requests", wholeNumber(0, 100), 1);
}

function tracingSettings({ tracingCollector, tracingSampling }: Options): MeshSettings["tracing"] {
  if (tracingCollector === undefined) return undefined;
  const [, host, port] = /^([a-z0-9.-]+):(\d+)$/.exec(tracingCollector) ?? [];
  if (host !== undefined && port !== undefined) return { host, port: Number(port), samplingPercent: tracingSampling };
  throw new OutriggerError("BAD_FLAG", [
    { field: "--tracing-collector", value: tracingCollector, message: "is not a host and a port" },
  ]);
}

function fileSource(path: string): ObjectSource {
  let close = () => {};
  return {
    async start(apply, onError) {
      close = (await followFile(path, apply, onError)).close;
    },
    close: () => close(),
  };
}

async function authenticator({ tokenKey, tokenIssuer, tokenAudience: audience }: Options): Promise<Authenticator> {
  if (tokenKey !== undefined) {
    return localTokens({ publicKey: await readFile(tokenKey, "utf8"), issuer: tokenIssuer, audience });
  }
  const { kubernetesTokenReviewer } = await import("./registry/kubernetes-client.ts");
  return kubernetesTokenReviewer(audience);
}

async function objectSource({ objects }: Options): Promise<ObjectSource> {
  if (objects !== undefined) return fileSource(objects);
  const { kubernetesSource } = await import("./registry/kubernetes-source.ts");
  return kubernetesSource();
}

async function authoritySource(options: Options): Promise<AuthoritySource> {
  const { caFolder, caSecret, createCa, rootNamespace, trustDomain } = options;
  if (caFolder !== undefined) return await authorityFolder(caFolder, trustDomain, createCa);
  const { kubernetesAuthority } = await import("./registry/kubernetes-client.ts");
  return await kubernetesAuthority(rootNamespace, caSecret, trustDomain);
}

function servingNames({ servingName, rootNamespace, domain }: Options): DiscoveryOptions["servingNames"] {
  const service = `discovery.${rootNamespace}.svc`;
  const isAddress = (name: string) => isIP(name) !== 0;
  return {
    dns: [service, `${service}.${domain}`, ...servingName.filter((name) => !isAddress(name))],
    ip: servingName.filter(isAddress),
  };
}

/** The webhook reads it there, and writes it into the sidecars. */
async function publish({ publishRoot: name, rootNamespace }: Options, source: AuthoritySource): Promise<void> {
  if (name === undefined) return;
  const { kubernetesPublishRoot } = await import("./registry/kubernetes-client.ts");
  const root = source.serving?.pem.certificate ?? source.authority.roots;
  await kubernetesPublishRoot(rootNamespace, name, root);
}

async function run(options: Options): Promise<void> {
  const { log, flush } = createLog(options.logLevel);
  const { domain, trustDomain, rootNamespace, exportTo, accessLog } = options;
  try {
    const authority = await authoritySource(options);
    await publish(options, authority);
    await runDiscovery(
      {
        address: options.address,
        port: options.port,
        httpPort: options.httpPort,
        servingNames: servingNames(options),
        settings: {
          domain,
          trustDomain,
          rootNamespace,
          exportTo,
          accessLog,
          outboundTraffic: options.outboundTrafficPolicy,
          tracing: tracingSettings(options),
        },
        source: await objectSource(options),
        authority,
        authenticate: await authenticator(options),
        certificateLifetimeMs: options.certificateLifetime * 60_000,
        keyAlgorithm: options.keyAlgorithm,
        drainMs: options.drain * 1000,
      },
      log,
    );
  } finally {
    flush();
  }
}

/** `outrigger discovery`: the control plane. */
export function command(): Command {
  const discovery = new Command("discovery").description("Serve configuration and identity to the mesh's proxies.");
  return meshOptions(identityOptions(serverOptions(discovery)))
    .addHelpText("after", examples)
    .action(run);
}
