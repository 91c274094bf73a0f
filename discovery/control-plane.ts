import type { AdsEvents } from "./ads/connection.ts";
import type { DoorwayLimits } from "./ads/doorway.ts";
import { type AdsServer, createAdsServer } from "./ads/server.ts";
import { createFleet } from "./fleet.ts";
import type { Authenticator } from "./identity/authentication.ts";
import type { ServingCertificate } from "./identity/serving-certificate.ts";
import type { WorkloadSecrets } from "./identity/workload-secrets.ts";
import { createObjectStore } from "./registry/object-store.ts";
import type { Change } from "./registry/objects.ts";
import { emptySnapshot, nextSnapshot, type Snapshot } from "./registry/snapshot.ts";
import { createMeshResources } from "./resources/mesh-resources.ts";
import type { MeshSettings } from "./translate/settings.ts";

export interface ControlPlaneOptions {
  readonly settings: MeshSettings;
  readonly authenticate: Authenticator;
  readonly certificate: ServingCertificate;
  readonly secrets: (onChange: () => void) => WorkloadSecrets;
  readonly events: AdsEvents & { readonly onUpdated: (update: Update) => void };
  /** Of connections; the usual ones unless given. */
  readonly limits?: DoorwayLimits;
  /** Changes that come closer together than this are worked off as one. */
  readonly debounceMs?: number;
  /** A change waits no longer than this, however many follow it. */
  readonly maxDelayMs?: number;
}

/** What one turn of changes cost. */
export interface Update {
  readonly changes: number;
  readonly sinceFirstChangeMs: number;
  readonly tookMs: number;
}

/** The control plane of one replica: changes of the cluster in, resources to the proxies that are connected out. */
export interface ControlPlane {
  readonly ads: AdsServer;
  readonly secrets: WorkloadSecrets;
  readonly snapshot: () => Snapshot;
  /** Takes a change of the cluster; it is worked off shortly after. */
  apply(change: Change): void;
  /** Works off at once what has been applied. */
  flush(): void;
  close(): void;
}

const defaults = { debounceMs: 50, maxDelayMs: 500 } as const;

export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  const { settings, events } = options;
  const { debounceMs = defaults.debounceMs, maxDelayMs = defaults.maxDelayMs } = options;
  const objects = createObjectStore();
  const mesh = createMeshResources(settings);
  const secrets = options.secrets(() => ads.push());
  const fleet = createFleet(mesh, secrets);
  const { authenticate, certificate, limits } = options;
  const ads = createAdsServer({ fleet, authenticate, certificate, events, ...(limits && { limits }) });
  let snapshot = emptySnapshot;
  let changes = 0;
  let firstChange = 0;
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (changes === 0) return;
    const start = performance.now();
    snapshot = nextSnapshot(snapshot, objects, objects.takeDirty(), settings);
    fleet.update(mesh.update(snapshot));
    ads.push();
    const now = performance.now();
    const update = { changes, sinceFirstChangeMs: now - firstChange, tookMs: now - start };
    changes = 0;
    events.onUpdated(update);
  }

  function schedule(): void {
    const waited = performance.now() - firstChange;
    clearTimeout(timer);
    timer = setTimeout(flush, Math.max(0, Math.min(debounceMs, maxDelayMs - waited)));
  }

  return {
    ads,
    secrets,
    snapshot: () => snapshot,
    apply(change) {
      if (changes === 0) firstChange = performance.now();
      changes += 1;
      objects.apply(change);
      schedule();
    },
    flush,
    close() {
      clearTimeout(timer);
      secrets.close();
    },
  };
}
