import type { V1ConfigMap } from "@kubernetes/client-node";
import { follow } from "../../kubernetes/follow.ts";
import { OutriggerError } from "../../mesh/errors.ts";
import type { ConfigurationText, ConfigurationTexts } from "../config/configuration.ts";
import type { ConfigurationListener } from "../configuration-files.ts";
import type { InjectionSettings } from "../settings.ts";
import type { ClusterClient } from "./client.ts";
import { reportRefused } from "./event.ts";

/** ConfigMaps of the webhook's own namespace that hold the configuration: their keys `mesh`, `values` and `config`. */
export interface ConfigMapOptions {
  readonly names: readonly string[];
  readonly namespace: string;
  /** This Pod's name, as events name their source. */
  readonly pod: string;
  readonly settings: (texts: ConfigurationTexts) => InjectionSettings;
  /** What was last read from files beside the ConfigMaps. */
  readonly files: () => ConfigurationTexts;
  readonly trouble: (error: unknown) => void;
}

/** The text of a key, from the first ConfigMap that has it. */
function textOf(maps: readonly V1ConfigMap[], key: string): ConfigurationText | undefined {
  const map = maps.find(({ data }) => data?.[key] !== undefined);
  const text = map?.data?.[key];
  if (map === undefined || text === undefined) return undefined;
  return { name: `ConfigMap ${map.metadata?.namespace}/${map.metadata?.name} ${key}`, text };
}

/** The configuration that ConfigMaps hold, as texts. */
export function configurationTexts(maps: readonly V1ConfigMap[]): ConfigurationTexts {
  const [meshConfig, values, injectorConfig] = ["mesh", "values", "config"].map((key) => textOf(maps, key));
  return { ...(meshConfig && { meshConfig }), ...(values && { values }), ...(injectorConfig && { injectorConfig }) };
}

function missing(name: string, namespace: string): OutriggerError {
  const field = `ConfigMap ${namespace}/${name}`;
  return new OutriggerError("BAD_CONFIGURATION", [{ field, message: "does not exist", remedy: "create it" }]);
}

/** What the ConfigMaps are at a moment. */
interface Found {
  readonly maps: readonly V1ConfigMap[];
  /** The name of one that does not exist. */
  readonly absent: string | undefined;
}

function foundOf(names: readonly string[], seen: ReadonlyMap<string, V1ConfigMap | undefined>): Found {
  const maps = names.map((name) => seen.get(name)).filter((map) => map !== undefined);
  return { maps, absent: names.find((name) => seen.get(name) === undefined) };
}

/** Takes over what changed. A configuration is told of once, whether it is taken or refused. */
function createTaker(client: ClusterClient, options: ConfigMapOptions, { loaded, refused }: ConfigurationListener) {
  let last: string | undefined;
  let taken = false;

  const take = (texts: ConfigurationTexts, absent: string | undefined): void => {
    // A webhook that starts without a ConfigMap must not be the outage: it injects by what is left, and says so.
    if (absent !== undefined) refused(missing(absent, options.namespace));
    if (absent !== undefined && taken) return;
    loaded(options.settings(texts));
    taken = true;
  };
  return (seen: ReadonlyMap<string, V1ConfigMap | undefined>): void => {
    if (options.names.some((name) => !seen.has(name))) return;
    const { maps, absent } = foundOf(options.names, seen);
    const texts = { ...configurationTexts(maps), ...options.files() };
    const content = JSON.stringify([absent, texts]);
    if (content === last) return;
    last = content;
    try {
      take(texts, absent);
    } catch (error) {
      if (!(error instanceof OutriggerError)) throw error;
      refused(error);
      for (const map of maps) reportRefused(client, map, options.pod, error.message).catch(options.trouble);
    }
  };
}

/** The ConfigMaps that are followed. */
export interface FollowedConfigMaps {
  /** Takes what there is again: something in a file beside them has changed. */
  readonly again: () => void;
  readonly stop: () => void;
}

/** Follows the ConfigMaps, and loads what they hold once all have been seen. */
export function followConfigMaps(
  client: ClusterClient,
  options: ConfigMapOptions,
  listener: ConfigurationListener,
): FollowedConfigMaps {
  const { namespace } = options;
  const found = new Map<string, V1ConfigMap | undefined>();
  const take = createTaker(client, options, listener);
  // One watch a name: a Role can allow names, and then the whole list is forbidden.
  const followed = options.names.map((name) => {
    const fieldSelector = `metadata.name=${name}`;
    return follow<V1ConfigMap>({
      config: client.config,
      path: `/api/v1/namespaces/${namespace}/configmaps`,
      list: () => client.core.listNamespacedConfigMap({ namespace, fieldSelector }),
      fieldSelector,
      trouble: options.trouble,
      changed([map]) {
        found.set(name, map);
        take(found);
      },
    });
  });
  return {
    again: () => take(found),
    stop() {
      for (const one of followed) one.stop();
    },
  };
}
