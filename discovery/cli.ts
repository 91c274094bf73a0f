import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { Command } from "commander";
import { withLog } from "../host/service-command.ts";
import { OutriggerError } from "../mesh/errors.ts";
import { type Options, withOptions } from "./cli-options.ts";
import type { Authenticator } from "./identity/authentication.ts";
import { type AuthoritySource, authorityFolder } from "./identity/authority-source.ts";
import { localTokens } from "./identity/local-tokens.ts";
import { type DiscoveryOptions, type ObjectSource, runDiscovery } from "./main.ts";
import { followFile } from "./registry/file-source.ts";
import type { MeshSettings } from "./translate/settings.ts";

const examples = `
Examples:
  outrigger discovery
  outrigger discovery --ca-secret cacerts --outbound-traffic-policy REGISTRY_ONLY --access-log json
  outrigger discovery --objects cluster.json --ca-folder ca --create-ca --token-key tokens.pub.pem --serving-name 10.0.0.1

Proxies connect to --port by delta ADS over TLS and show their Pod's service-account token. --http-port has /healthz,
/readyz, /metrics and /proxies, which \`outrigger proxy-status\` reads. Without --objects the cluster is read from the
Kubernetes API, and tokens are reviewed there. SIGTERM drains: the proxies are sent to other replicas one by one.
`;

function tracingSettings({ tracingCollector, tracingSampling }: Options): MeshSettings["tracing"] {
  if (tracingCollector === undefined || tracingCollector === "") return undefined;
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

/** Only kubelets ask, and only an API server hands it on. */
async function podCertificates(options: Options): Promise<DiscoveryOptions["podCertificates"]> {
  const { objects, podCertificates: isOn, podCertificateSigner: signerName } = options;
  if (!isOn || objects !== undefined) return undefined;
  const { kubernetesRequests } = await import("./registry/kubernetes-client.ts");
  return { signerName, requests: (events) => kubernetesRequests(signerName, events) };
}

async function authoritySource(options: Options): Promise<AuthoritySource> {
  const { caFolder, caSecret, rootSecret, createCa, rootNamespace, trustDomain } = options;
  if (caFolder !== undefined) return await authorityFolder(caFolder, trustDomain, createCa);
  const { kubernetesAuthorities } = await import("./registry/kubernetes-client.ts");
  return await kubernetesAuthorities(rootNamespace, { mesh: caSecret, serving: rootSecret }, trustDomain);
}

function servingNames({ servingName, rootNamespace, domain }: Options): DiscoveryOptions["servingNames"] {
  const service = `discovery.${rootNamespace}.svc`;
  const isAddress = (name: string) => isIP(name) !== 0;
  return {
    dns: [service, `${service}.${domain}`, ...servingName.filter((name) => !isAddress(name))],
    ip: servingName.filter(isAddress),
  };
}

/** The webhook reads the roots there, and writes them into the sidecars. */
async function publisher({ publishRoot: name, rootNamespace }: Options): Promise<DiscoveryOptions["publishRoots"]> {
  if (name === undefined) return async () => {};
  const { kubernetesPublisher } = await import("./registry/kubernetes-client.ts");
  return kubernetesPublisher(rootNamespace, name);
}

async function discoveryOptions(options: Options): Promise<DiscoveryOptions> {
  const { domain, trustDomain, rootNamespace, exportTo, accessLog } = options;
  const authority = await authoritySource(options);
  return {
    address: options.address,
    port: options.port,
    httpPort: options.httpPort,
    servingNames: servingNames(options),
    settings: {
      domain,
      trustDomain,
      rootNamespace,
      exportTo,
      locality: options.localityLbSetting,
      accessLog,
      outboundTraffic: options.outboundTrafficPolicy,
      podCertificateSigner: options.podCertificates ? options.podCertificateSigner : undefined,
      tracing: tracingSettings(options),
    },
    source: await objectSource(options),
    authority,
    publishRoots: await publisher(options),
    authenticate: await authenticator(options),
    certificateLifetimeMs: options.certificateLifetime,
    keyAlgorithm: options.keyAlgorithm,
    podCertificates: await podCertificates(options),
    drainMs: options.drain * 1000,
  };
}

async function run(options: Options): Promise<void> {
  await withLog(options.logLevel, async (log) => runDiscovery(await discoveryOptions(options), log));
}

/** `outrigger discovery`: the control plane. */
export function command(): Command {
  const discovery = new Command("discovery").description("Serve configuration and identity to the mesh's proxies.");
  return withOptions(discovery).addHelpText("after", examples).action(run);
}
