import { readFile } from "node:fs/promises";
import { text as readStream } from "node:stream/consumers";
import { type Command, InvalidArgumentError, Option } from "commander";
import { truth } from "../host/service-command.ts";
import type { IpFamilies } from "../mesh/envoy/address.ts";
import { defaultSigner } from "../mesh/envoy/pod-certificate.ts";
import { OutriggerError } from "../mesh/errors.ts";
import { type ClusterFacts, clusterFacts } from "./cluster-facts.ts";
import { type ConfigurationText, type ConfigurationTexts, readConfiguration } from "./config/configuration.ts";
import { checkRoots } from "./config/discovery-roots.ts";
import { type ProfileName, profileNames } from "./profile/profiles.ts";
import { type InjectionSettings, injectionSettings, type NativeSidecars } from "./settings.ts";

/** The flags that say how to inject, for every command that injects. */
export interface InjectionFlags {
  readonly profile: ProfileName;
  readonly revision?: string;
  readonly meshConfig?: string;
  readonly values?: string;
  readonly injectorConfig?: string;
  readonly nativeSidecars: NativeSidecars;
  readonly cni: boolean | undefined;
  readonly nodes?: string[];
  readonly platform: InjectionSettings["platform"];
  readonly compliancePolicy?: string;
  readonly initImage?: string;
  readonly proxyImage?: string;
  readonly ipFamilies: IpFamilies;
  /** Whether the control plane that the next two name is used. */
  readonly discovery: boolean;
  readonly discoveryAddress?: string;
  readonly discoveryCa?: string;
  /** Whether the kubelet makes sidecars' keys. */
  readonly podCertificates: boolean;
  readonly podCertificateSigner: string;
}

const nativeSidecarNames: Readonly<Record<string, NativeSidecars>> = {
  auto: "auto",
  true: "enabled",
  false: "disabled",
  enabled: "enabled",
  disabled: "disabled",
};

function nativeSidecars(text: string): NativeSidecars {
  const value = Object.hasOwn(nativeSidecarNames, text) ? nativeSidecarNames[text] : undefined;
  if (value === undefined) throw new InvalidArgumentError("It must be auto, true or false.");
  return value;
}

function kubeletVersions(text: string): string[] {
  const versions = text.split(",").map((version) => version.trim());
  if (versions.every((version) => /^v?\d+\.\d+/.test(version))) return versions;
  throw new InvalidArgumentError('It must be a comma list of kubelet versions, such as "v1.34.1,v1.33.0".');
}

/** Adds the flags that say how to inject to a command. */
export function withInjectionFlags(command: Command): Command {
  return command
    .addOption(new Option("--profile <name>", "whose sidecar to write").choices(profileNames).default("envoy"))
    .option("--revision <name>", "the revision that injects (default: the values', else default)")
    .option("--mesh-config <file>", "MeshConfig, or the ConfigMap istio that holds it")
    .option("--values <file>", "Helm values, or the ConfigMap istio-sidecar-injector that holds them")
    .option("--injector-config <file>", "policy, selectors and templates, if not in the same ConfigMap as the values")
    .option(
      "--native-sidecars <choice>",
      "istio-proxy as a native sidecar: auto (if all nodes run Kubernetes 1.33 or later), true or false",
      nativeSidecars,
      "auto",
    )
    .option("--cni [choice]", "the nodes write the rules: no istio-init (default: the values')", truth)
    .option("--nodes <versions>", "kubelet versions of the cluster's nodes, with commas, for auto", kubeletVersions)
    .addOption(
      new Option("--platform <name>", "what the cluster is").choices(["kubernetes", "openshift"]).default("kubernetes"),
    )
    .option("--compliance-policy <name>", "cryptography that the proxy keeps to, such as fips-140-2")
    .option("--init-image <image>", "profile envoy: the image of istio-init, which holds the outrigger command")
    .option("--proxy-image <image>", "profile envoy: the image of istio-proxy, an Envoy")
    .addOption(
      new Option("--ip-families <families>", "profile envoy: ipv4 for nodes whose kernel has no IPv6")
        .choices(["dual", "ipv4"])
        .default("dual"),
    )
    .option("--discovery <choice>", "false: leave --discovery-address and --discovery-ca aside", truth, true)
    .option("--discovery-address <host:port>", "profile envoy: the control plane that sidecars connect to")
    .option("--discovery-ca <file>", "the roots of the control plane's certificate, PEM; followed as it changes")
    .option("--pod-certificates <choice>", "have the kubelet make sidecars' keys, which stay on the node", truth, false)
    .option("--pod-certificate-signer <name>", "whom the kubelet asks to sign: the control plane", defaultSigner);
}

/** Reads a file named on the command line, or standard input for `-`. */
async function readInput(name: string, flag: string): Promise<string> {
  try {
    return await (name === "-" ? readStream(process.stdin) : readFile(name, "utf8"));
  } catch (error) {
    const message = `cannot be read: ${(error as Error).message}`;
    throw new OutriggerError("BAD_FLAG", [{ field: flag, value: name, message }], { cause: error });
  }
}

async function configurationText(file: string | undefined, flag: string): Promise<ConfigurationText | undefined> {
  return file === undefined ? undefined : { name: file, text: await readInput(file, flag) };
}

/** The files that the settings are read from. */
export function configurationFiles(flags: InjectionFlags): string[] {
  const { meshConfig, values, injectorConfig } = flags;
  return [meshConfig, values, injectorConfig, discoveryRootsFile(flags)].filter((file) => file !== undefined);
}

/** The file with the roots that sidecars know the control plane by, if they are to know one. */
export function discoveryRootsFile({ discovery, discoveryCa }: InjectionFlags): string | undefined {
  return discovery ? discoveryCa : undefined;
}

/** Reads the control plane's roots. @throws OutriggerError BAD_FLAG if the file cannot be read */
export async function readDiscoveryRoots(flags: InjectionFlags): Promise<Pick<ConfigurationTexts, "discoveryRoots">> {
  const discoveryRoots = await configurationText(discoveryRootsFile(flags), "--discovery-ca");
  return discoveryRoots ? { discoveryRoots } : {};
}

/** The control plane, which takes its address and the roots to know it by. */
function discoverySettings(flags: InjectionFlags, roots: ConfigurationText | undefined) {
  const { discovery, discoveryAddress: address, discoveryCa, podCertificates, podCertificateSigner } = flags;
  if (!discovery) return undefined;
  if (address === undefined && discoveryCa === undefined) return undefined;
  if (address === undefined || discoveryCa === undefined) {
    const field = address === undefined ? "--discovery-ca" : "--discovery-address";
    const remedy = "give both --discovery-address and --discovery-ca, or neither";
    throw new OutriggerError("BAD_FLAG", [{ field, message: "is of no use alone", remedy }]);
  }
  if (!/^([a-z0-9.-]+|\[[0-9a-f:.]+\]):\d+$/i.test(address)) {
    const message = "is not a host and a port";
    const remedy = "write it as discovery.outrigger-system.svc:15012";
    throw new OutriggerError("BAD_FLAG", [{ field: "--discovery-address", value: address, message, remedy }]);
  }
  const signer = podCertificates ? { podCertificateSigner } : {};
  return { address, rootCertificates: checkRoots(roots ?? { name: discoveryCa, text: "" }, new Date()), ...signer };
}

/**
 * Reads the configuration's files.
 * @throws OutriggerError BAD_FLAG if a file cannot be read
 */
export async function readConfigurationFiles(flags: InjectionFlags): Promise<ConfigurationTexts> {
  const meshConfig = await configurationText(flags.meshConfig, "--mesh-config");
  const values = await configurationText(flags.values, "--values");
  const injectorConfig = await configurationText(flags.injectorConfig, "--injector-config");
  const roots = await readDiscoveryRoots(flags);
  return {
    ...(meshConfig && { meshConfig }),
    ...(values && { values }),
    ...(injectorConfig && { injectorConfig }),
    ...roots,
  };
}

/**
 * Works the settings out, of the flags and the texts of the configuration.
 * @throws OutriggerError BAD_CONFIGURATION if a text does not hold what it should, BAD_FLAG if flags do not go together
 */
export function settingsFromTexts(flags: InjectionFlags, texts: ConfigurationTexts): InjectionSettings {
  const { profile, revision, platform, compliancePolicy, initImage, proxyImage } = flags;
  const discovery = discoverySettings(flags, texts.discoveryRoots);
  return injectionSettings({
    ...readConfiguration(texts),
    profile,
    platform,
    nativeSidecars: flags.nativeSidecars,
    ipFamilies: flags.ipFamilies,
    ...(flags.cni !== undefined && { cni: flags.cni }),
    ...(revision !== undefined && { revision }),
    ...(compliancePolicy !== undefined && { compliancePolicy }),
    ...(initImage !== undefined && { initImage }),
    ...(proxyImage !== undefined && { proxyImage }),
    ...(discovery !== undefined && { discovery }),
  });
}

/**
 * Reads the configuration's files and works the settings out.
 * @throws OutriggerError BAD_FLAG if a file cannot be read, BAD_CONFIGURATION if it does not hold what it should
 */
export async function settingsFromFlags(flags: InjectionFlags): Promise<InjectionSettings> {
  return settingsFromTexts(flags, await readConfigurationFiles(flags));
}

/** What the flags tell of the cluster. */
export function factsFromFlags({ nodes = [] }: InjectionFlags): ClusterFacts {
  return clusterFacts({ nodes: nodes.map((kubeletVersion) => ({ kubeletVersion })) });
}
