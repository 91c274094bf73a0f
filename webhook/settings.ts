import { bootstrapArgument, sidecarBootstrap } from "../mesh/envoy/bootstrap.ts";
import type { IpFamilies } from "../mesh/envoy/listener.ts";
import type { LabelSelector } from "../mesh/selector.ts";
import { version } from "../mesh/version.ts";

/**
 * Everything that can be set for injection, checked and worked out once. Nothing in it is parsed again when a Pod comes.
 */
export interface InjectionSettings {
  /** The revision that injects, `default` if it has no name. */
  readonly revision: string;
  readonly policy: string;
  readonly neverInjectSelector: readonly LabelSelector[];
  readonly alwaysInjectSelector: readonly LabelSelector[];
  readonly nativeSidecars: boolean;
  readonly envoy: EnvoyProfileSettings;
}

export interface EnvoyProfileSettings {
  /** The image that holds the `outrigger` command, for istio-init. */
  readonly initImage: string;
  readonly proxyImage: string;
  readonly ipFamilies: IpFamilies;
  /** The bootstrap as a container argument, printed once. */
  readonly bootstrap: string;
}

/** What a person sets; everything has a default. */
export interface SettingsInput {
  readonly revision?: string;
  readonly policy?: "enabled" | "disabled";
  readonly neverInjectSelector?: readonly LabelSelector[];
  readonly alwaysInjectSelector?: readonly LabelSelector[];
  readonly nativeSidecars?: boolean;
  readonly initImage?: string;
  readonly proxyImage?: string;
  readonly ipFamilies?: IpFamilies;
}

/** Works the settings out. */
export function injectionSettings(input: SettingsInput = {}): InjectionSettings {
  const ipFamilies = input.ipFamilies ?? "dual";
  return {
    revision: input.revision ?? "default",
    policy: input.policy ?? "enabled",
    neverInjectSelector: input.neverInjectSelector ?? [],
    alwaysInjectSelector: input.alwaysInjectSelector ?? [],
    nativeSidecars: input.nativeSidecars ?? true,
    envoy: {
      initImage: input.initImage ?? `outrigger/init:${version}`,
      proxyImage: input.proxyImage ?? "docker.io/envoyproxy/envoy:distroless-v1.40.0",
      ipFamilies,
      bootstrap: bootstrapArgument(sidecarBootstrap({ ipFamilies })),
    },
  };
}
