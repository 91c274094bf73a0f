import { type Command, InvalidArgumentError, Option } from "commander";
import type { LogLevel } from "../host/log.ts";
import { duration, truth, wholeNumber, withLogLevel } from "../host/service-command.ts";
import { type KeyAlgorithm, keyAlgorithms } from "../host/x509-keys.ts";
import { tokenAudience } from "../mesh/envoy/discovery.ts";
import { defaultSigner } from "../mesh/envoy/pod-certificate.ts";
import { OutriggerError } from "../mesh/errors.ts";
import { type LocalitySetting, localitySetting, noLocalitySetting } from "../mesh/locality-setting.ts";
import { checked } from "../mesh/schema-problems.ts";
import { defaultSettings, type MeshSettings } from "./translate/settings.ts";

export interface Options {
  readonly address: string;
  readonly port: number;
  readonly httpPort: number;
  readonly servingName: readonly string[];
  readonly objects?: string;
  readonly caFolder?: string;
  readonly caSecret: string;
  readonly rootSecret: string;
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
  readonly localityLbSetting: LocalitySetting;
  readonly accessLog: MeshSettings["accessLog"];
  readonly tracingCollector?: string;
  readonly tracingSampling: number;
  /** Milliseconds. */
  readonly certificateLifetime: number;
  readonly podCertificates: boolean;
  readonly podCertificateSigner: string;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly drain: number;
  readonly logLevel: LogLevel;
}

function localitySettingFrom(text: string): LocalitySetting {
  try {
    const given: unknown = JSON.parse(text);
    return given === null ? noLocalitySetting : checked(localitySetting, given, "--locality-lb-setting", "BAD_FLAG");
  } catch (error) {
    if (error instanceof OutriggerError) throw error;
    const remedy = 'for instance: {"failover": [{"from": "us-east", "to": "us-west"}]}';
    throw new OutriggerError("BAD_FLAG", [
      { field: "--locality-lb-setting", value: text, message: "is not JSON", remedy },
    ]);
  }
}

function serverOptions(command: Command): Command {
  const names = (name: string, before: readonly string[]) => [...before, name];
  return withLogLevel(command)
    .option("--address <address>", "the address to listen on", "::")
    .option("--port <number>", "the port that proxies connect to; 0 is any free one", wholeNumber(0, 65535), 15012)
    .option("--http-port <number>", "the port of health and metrics; 0 is any free one", wholeNumber(0, 65535), 15014)
    .option("--serving-name <name>", "a DNS name or address that proxies reach it by; may be repeated", names, [])
    .option("--drain <seconds>", "over how long proxies are sent away after SIGTERM", wholeNumber(0, 600), 10);
}

function identityOptions(command: Command): Command {
  return command
    .option("--ca-secret <name>", "in the root namespace: the mesh's authority; made if there is none", "outrigger-ca")
    .option(
      "--root-secret <name>",
      "in the root namespace: discovery's own root, which it keeps itself",
      "outrigger-discovery-ca",
    )
    .option("--ca-folder <folder>", "instead of Secrets: ca-cert.pem, ca-key.pem, cert-chain.pem, root-cert.pem")
    .option(
      "--publish-root <name>",
      "a ConfigMap in the root namespace to put the roots in that proxies know discovery by",
    )
    .option("--create-ca", "make what --ca-folder does not have: the mesh's root, and discovery's own", false)
    .addOption(new Option("--key-algorithm <name>", "of workloads' keys").choices(keyAlgorithms).default("ecdsa"))
    .option("--certificate-lifetime <time>", "of workloads: 90s, 15m, 24h", duration, 24 * 3_600_000)
    .option("--pod-certificates <choice>", "sign what kubelets ask for Pods: keys that stay on the node", truth, false)
    .option("--pod-certificate-signer <name>", "the name by which kubelets ask for it", defaultSigner)
    .option("--token-key <file>", "check tokens against this public key (PEM) instead of asking the API server")
    .option("--token-issuer <issuer>", "with --token-key", "https://kubernetes.default.svc")
    .option("--token-audience <audience>", "whom tokens must be for", tokenAudience);
}

function percentage(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d{1,4})?$/.test(text) && value <= 100) return value;
  throw new InvalidArgumentError("It must be a number from 0 to 100, with four decimals at most.");
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
    .option(
      "--locality-lb-setting <json>",
      "which endpoints are preferred where a Service says nothing: Istio's localityLbSetting",
      localitySettingFrom,
      noLocalitySetting,
    )
    .addOption(new Option("--access-log <format>", "of sidecars").choices(["text", "json", "off"]).default(accessLog))
    .option("--tracing-collector <host:port>", "an OpenTelemetry collector's Service and its port of OTLP over gRPC")
    .option("--tracing-sampling <percent>", "of traces that begin at a sidecar, such as 0.1", percentage, 1);
}

/** Adds discovery's options to a command. */
export function withOptions(command: Command): Command {
  return meshOptions(identityOptions(serverOptions(command)));
}
