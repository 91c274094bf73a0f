import { describeError } from "../../kubernetes/api-error.ts";
import { clusterFacts, type FactsInput } from "../cluster-facts.ts";
import type { ConfigurationTexts } from "../config/configuration.ts";
import { type DiscoveryRootsFile, openDiscoveryRoots } from "../discovery-roots-file.ts";
import { type InjectionFlags, settingsFromTexts } from "../injection-flags.ts";
import { certificateListener, configurationListener, type Running } from "../running.ts";
import type { InjectionSettings } from "../settings.ts";
import { type ClusterClient, connect } from "./client.ts";
import { followConfigMaps } from "./config-maps.ts";
import { followNamespaces } from "./namespaces.ts";
import { followNodes } from "./nodes.ts";
import { followProxyConfigs } from "./proxy-configs.ts";
import { keepSelfManaged, type SelfManagedOptions } from "./self-managed.ts";

/** What the webhook takes from the cluster it runs in. Nothing by default. */
export interface ClusterOptions {
  readonly configuration:
    | { readonly names: readonly string[]; readonly namespace: string; readonly pod: string }
    | undefined;
  readonly certificate: SelfManagedOptions | undefined;
  /** Whether the nodes decide on native sidecars. */
  readonly nodes: true | undefined;
  /** Whether ids are taken from what OpenShift reserved for each namespace. */
  readonly namespaces: true | undefined;
  /** Whether ProxyConfig resources are laid over the mesh's configuration. */
  readonly proxyConfigs: true | undefined;
}

/** Something that is started, and known to work once its first value has come. */
interface Source {
  readonly first: Promise<void>;
  readonly stop: () => void;
}

/** Starts a source with a function that it calls when its first value has come. */
function source(start: (came: () => void) => () => void): Source {
  let came: () => void = () => undefined;
  const first = new Promise<void>((resolve) => {
    came = resolve;
  });
  return { first, stop: start(() => came()) };
}

/** Trouble is told again only when it is another. */
function troubleLog({ log }: Running, what: string): (error: unknown) => void {
  let last = "";
  return (error) => {
    const reason = describeError(error);
    log[reason === last ? "debug" : "warn"]({ what, reason }, "the cluster cannot be asked; trying again");
    last = reason;
  };
}

function configurationSource(
  client: ClusterClient,
  running: Running,
  options: NonNullable<ClusterOptions["configuration"]>,
  injection: InjectionFlags,
  roots: DiscoveryRootsFile,
): Source {
  const { loaded, refused } = configurationListener(running);
  const trouble = troubleLog(running, "configuration");
  return source((came) => {
    const settings = (texts: ConfigurationTexts) => settingsFromTexts(injection, texts);
    const listener = {
      refused,
      loaded(found: InjectionSettings) {
        loaded(found);
        came();
      },
    };
    const maps = followConfigMaps(client, { ...options, settings, files: roots.texts, trouble }, listener);
    const stopRoots = roots.follow(maps.again);
    return () => {
      stopRoots();
      maps.stop();
    };
  });
}

function certificateSource(client: ClusterClient, running: Running, options: SelfManagedOptions): Source {
  const { loaded } = certificateListener(running);
  return source((came) =>
    keepSelfManaged(client, options, {
      loaded(pair) {
        loaded(pair);
        came();
      },
      happened: (what, details) => running.log.info(details, what),
      trouble: troubleLog(running, "certificate"),
      compared(trust) {
        running.state.trust = trust;
      },
    }),
  );
}

/** Puts together what the sources of facts tell, each of its own part. */
function factsKeeper({ state }: Running): (part: FactsInput) => void {
  let known: FactsInput = {};
  return (part) => {
    known = { ...known, ...part };
    state.facts = clusterFacts(known);
  };
}

type Learn = ReturnType<typeof factsKeeper>;

function nodeSource(client: ClusterClient, running: Running, learn: Learn): Source {
  return source((came) =>
    followNodes(client, troubleLog(running, "nodes"), (nodes) => {
      learn({ nodes });
      running.log.info({ nodes: nodes.length }, "nodes known");
      came();
    }),
  );
}

function namespaceSource(client: ClusterClient, running: Running, learn: Learn): Source {
  return source((came) =>
    followNamespaces(client, troubleLog(running, "namespaces"), (namespaceAnnotations) => {
      learn({ namespaceAnnotations });
      running.log.info({ namespaces: namespaceAnnotations.size }, "namespaces known");
      came();
    }),
  );
}

function proxyConfigSource(client: ClusterClient, running: Running, learn: Learn): Source {
  return source((came) =>
    followProxyConfigs(client, {
      changed(proxyConfigs) {
        learn({ proxyConfigs });
        running.log.info({ proxyConfigs: proxyConfigs.length }, "ProxyConfigs known");
        came();
      },
      refused: (error) => running.log.error({ reason: error.message }, "ProxyConfig refused; the others count"),
      trouble: troubleLog(running, "ProxyConfigs"),
    }),
  );
}

/** Starts what the options ask for, and waits for the first value of each. What ends them is added to `stops` at once. */
export async function startClusterSources(
  running: Running,
  { configuration, certificate, nodes, namespaces, proxyConfigs }: ClusterOptions,
  injection: InjectionFlags,
  stops: (() => void)[],
): Promise<void> {
  const client = connect();
  const roots = await openDiscoveryRoots(injection, configurationListener(running).refused);
  const learn = factsKeeper(running);
  const sources = [
    ...(configuration ? [configurationSource(client, running, configuration, injection, roots)] : []),
    ...(certificate ? [certificateSource(client, running, certificate)] : []),
    ...(nodes ? [nodeSource(client, running, learn)] : []),
    ...(namespaces ? [namespaceSource(client, running, learn)] : []),
    ...(proxyConfigs ? [proxyConfigSource(client, running, learn)] : []),
  ];
  stops.push(...sources.map(({ stop }) => stop));
  await Promise.all(sources.map(({ first }) => first));
}
