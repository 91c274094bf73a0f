import type { IpFamilies } from "../mesh/envoy/address.ts";
import { type DiscoveryConnection, tokenFile } from "../mesh/envoy/discovery.ts";
import type { LabelSelector } from "../mesh/selector.ts";
import { version } from "../mesh/version.ts";
import { injectorConfig } from "./config/injector-config.ts";
import { type MeshConfig, meshConfig } from "./config/mesh-config.ts";
import { proxyConfigJson } from "./config/proxy-config-merge.ts";
import { helmValues, type Values } from "./config/values.ts";
import { type ProfileName, profileTemplates } from "./profile/profiles.ts";
import { customTemplate } from "./template/custom-template.ts";
import type { Templates } from "./template/template.ts";

/** Whether istio-proxy becomes a native sidecar: `auto` asks the nodes. */
export type NativeSidecars = "auto" | "enabled" | "disabled";

/**
 * Everything that can be set for injection, checked and worked out once. Nothing in it is parsed again when a Pod comes.
 */
export interface InjectionSettings {
  readonly profile: ProfileName;
  /** The revision that injects, `default` if it has no name. */
  readonly revision: string;
  readonly policy: string;
  readonly neverInjectSelector: readonly LabelSelector[];
  readonly alwaysInjectSelector: readonly LabelSelector[];
  /** Annotations that every injected Pod gets. */
  readonly injectedAnnotations: Readonly<Record<string, string>>;
  readonly templates: Templates;
  readonly defaultTemplates: readonly string[];
  readonly aliases: ReadonlyMap<string, readonly string[]>;
  readonly nativeSidecars: NativeSidecars;
  readonly platform: "kubernetes" | "openshift";
  /** Such as `fips-140-2`; empty for none. */
  readonly compliancePolicy: string;
  readonly mesh: MeshConfig;
  readonly values: Values;
  /** The mesh's own ProxyConfig as the agent gets it, printed once. */
  readonly proxyConfigJson: string;
  readonly envoy: EnvoyProfileSettings;
  /** What the configuration says in vain. */
  readonly warnings: readonly string[];
}

export interface EnvoyProfileSettings {
  /** The image that holds the `outrigger` command, for istio-init. */
  readonly initImage: string;
  readonly proxyImage: string;
  readonly ipFamilies: IpFamilies;
  /** The control plane; without one, sidecars capture, observe and pass on. */
  readonly discovery: DiscoveryConnection | undefined;
  /** Who signs what the kubelet puts into Pods; undefined where the control plane makes the keys. */
  readonly podCertificateSigner: string | undefined;
}

/** The control plane, and whether it signs for kubelets. */
export interface DiscoveryInput extends Pick<DiscoveryConnection, "address" | "rootCertificates"> {
  readonly podCertificateSigner?: string;
}

/** What a person sets; everything has a default. Configuration is given as the values that its YAML or JSON reads as. */
export interface SettingsInput {
  readonly profile?: ProfileName;
  readonly revision?: string;
  readonly nativeSidecars?: NativeSidecars;
  readonly platform?: InjectionSettings["platform"];
  readonly compliancePolicy?: string;
  /** The key `mesh` of the ConfigMap `istio`. */
  readonly meshConfig?: unknown;
  /** The key `values` of the ConfigMap `istio-sidecar-injector`. */
  readonly values?: unknown;
  /** The key `config` of the ConfigMap `istio-sidecar-injector`. */
  readonly injectorConfig?: unknown;
  /** Whether the nodes write the rules; the values' `pilot.cni.enabled` when absent. */
  readonly cni?: boolean;
  readonly initImage?: string;
  readonly proxyImage?: string;
  readonly ipFamilies?: IpFamilies;
  readonly discovery?: DiscoveryInput;
}

/** Values that a profile sets otherwise than Istio's charts: our containers need no system call out of the ordinary. */
const profileValues: Readonly<Record<ProfileName, unknown>> = {
  envoy: { global: { proxy: { seccompProfile: { type: "RuntimeDefault" } } } },
  istio: {},
};

const stockEnvoy = "docker.io/envoyproxy/envoy:distroless-v1.40.0";

/** The profile's own templates, and the user's. A user's template does not replace one of the profile's. */
function templatesOf(profile: ProfileName, custom: Readonly<Record<string, string>>): Templates {
  const own = profileTemplates(profile);
  const added = Object.entries(custom).filter(([name]) => !own.has(name));
  return new Map([...own, ...added.map(([name, text]) => [name, customTemplate(name, text)] as const)]);
}

function withCni(values: Values, enabled: boolean = values.pilot.cni.enabled): Values {
  return { ...values, pilot: { ...values.pilot, cni: { ...values.pilot.cni, enabled } } };
}

/**
 * Works the settings out.
 * @throws OutriggerError BAD_CONFIGURATION with the path of every field that has the wrong form
 */
export function injectionSettings(input: SettingsInput = {}): InjectionSettings {
  const profile = input.profile ?? "envoy";
  const values = withCni(helmValues(input.values, profileValues[profile]), input.cni);
  const mesh = meshConfig(input.meshConfig);
  const config = injectorConfig(input.injectorConfig, values);
  const { address = "", rootCertificates = "" } = input.discovery ?? {};
  const { policy, neverInjectSelector, alwaysInjectSelector, injectedAnnotations, warnings } = config;
  return {
    profile,
    revision: input.revision || values.revision || "default",
    policy,
    neverInjectSelector,
    alwaysInjectSelector,
    injectedAnnotations,
    templates: templatesOf(profile, config.templates),
    defaultTemplates: config.defaultTemplates.length > 0 ? config.defaultTemplates : ["sidecar"],
    aliases: new Map(Object.entries(config.aliases)),
    nativeSidecars: input.nativeSidecars ?? "auto",
    platform: input.platform ?? "kubernetes",
    compliancePolicy: input.compliancePolicy ?? "",
    mesh,
    values,
    proxyConfigJson: proxyConfigJson(mesh.defaultConfig),
    envoy: {
      initImage: input.initImage ?? `outrigger/init:${version}`,
      proxyImage: input.proxyImage ?? stockEnvoy,
      ipFamilies: input.ipFamilies ?? "dual",
      discovery: input.discovery && { address, rootCertificates, tokenFile },
      podCertificateSigner: input.discovery?.podCertificateSigner,
    },
    warnings: [...warnings, ...mesh.warnings],
  };
}
