import type { Command } from "commander";
import { duration } from "../host/service-command.ts";
import { OutriggerError, type Problem } from "../mesh/errors.ts";
import type { ClusterOptions } from "./cluster/sources.ts";
import type { InjectionFlags } from "./injection-flags.ts";

/** The flags that take things from the cluster. */
export interface ClusterFlags {
  readonly namespace?: string;
  readonly configMap?: string[];
  readonly watchNodes?: boolean;
  readonly watchProxyConfigs?: boolean;
  readonly selfManagedCertificate?: boolean;
  readonly service: string;
  readonly authoritySecret: string;
  readonly authorityLifetime: number;
  readonly authorityOverlap: number;
  readonly certificateLifetime: number;
}

const day = 24 * 3_600_000;

/** Adds the flags that take things from the cluster to a command. */
export function withClusterFlags(command: Command): Command {
  return command
    .option("--namespace <name>", "the namespace that the webhook runs in (default: env POD_NAMESPACE)")
    .option("--config-map <name...>", "ConfigMaps of that namespace, with the keys mesh, values and config; followed")
    .option("--watch-nodes", "let the nodes' versions decide on native sidecars")
    .option("--watch-proxy-configs", "lay ProxyConfig resources over the mesh configuration")
    .option("--self-managed-certificate", "make the certificate, keep its authority in a Secret, and have it trusted")
    .option("--service <name>", "the Service by which the API server comes, for that", "outrigger-webhook")
    .option("--authority-secret <name>", "the Secret, and the Lease, of the authority", "outrigger-webhook-authority")
    .option("--authority-lifetime <time>", "how long an authority is valid", duration, 365 * day)
    .option("--authority-overlap <time>", "how long a new authority is trusted before it signs", duration, day)
    .option("--certificate-lifetime <time>", "how long a certificate is valid", duration, day);
}

function contradictions(flags: ClusterFlags): Problem[] {
  const third = flags.authorityLifetime / 3;
  const tooLong = (field: string, value: number): Problem[] =>
    value <= third
      ? []
      : [{ field, message: "is more than a third of --authority-lifetime", remedy: "a renewal would come too late" }];
  return [
    ...tooLong("--authority-overlap", flags.authorityOverlap),
    ...tooLong("--certificate-lifetime", flags.certificateLifetime),
  ];
}

function namespaceOf({ namespace = process.env.POD_NAMESPACE }: ClusterFlags): string {
  if (namespace !== undefined && namespace !== "") return namespace;
  const message = "is needed with --config-map and --self-managed-certificate";
  throw new OutriggerError("BAD_FLAG", [{ field: "--namespace", message, remedy: "or set POD_NAMESPACE" }]);
}

function selfManaged(flags: ClusterFlags, revision: string, pod: string): ClusterOptions["certificate"] {
  const problems = contradictions(flags);
  if (problems.length > 0) throw new OutriggerError("BAD_FLAG", problems);
  const namespace = namespaceOf(flags);
  const host = `${flags.service}.${namespace}.svc`;
  return {
    secret: { name: flags.authoritySecret, namespace, lease: flags.authoritySecret, holder: pod },
    periods: { authorityLifetimeMs: flags.authorityLifetime, overlapMs: flags.authorityOverlap },
    certificateLifetimeMs: flags.certificateLifetime,
    dnsNames: [host, `${host}.cluster.local`],
    registrationSelector: `app.kubernetes.io/name=outrigger,istio.io/rev=${revision}`,
  };
}

/**
 * What the flags ask of the cluster.
 * @param pod this Pod's name
 * @throws OutriggerError BAD_FLAG when they contradict each other
 */
export function clusterOptions(flags: ClusterFlags & InjectionFlags, pod: string): ClusterOptions {
  const names = flags.configMap;
  const connected = names ?? flags.selfManagedCertificate ?? flags.watchNodes ?? flags.watchProxyConfigs;
  return {
    configuration: names === undefined ? undefined : { names, namespace: namespaceOf(flags), pod },
    certificate: flags.selfManagedCertificate ? selfManaged(flags, flags.revision ?? "default", pod) : undefined,
    nodes: flags.watchNodes || undefined,
    namespaces: (connected !== undefined && flags.platform === "openshift") || undefined,
    proxyConfigs: flags.watchProxyConfigs || undefined,
  };
}
