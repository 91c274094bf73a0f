import { buildZone, type Zone } from "../dns/zone.ts";
import type { IpFamily } from "../manifest/kinds.ts";
import { applyRules } from "../network/apply.ts";
import { printServiceRules } from "../network/service-rules.ts";
import { type Backend, type PlacedService, servicePorts } from "../network/services.ts";

/** Keeps rules and names in step with the Pods that are ready. */
export interface ServiceSync {
  readonly zone: () => Zone;
  /** Says that Pods have changed. Many calls at once make one update. */
  readonly refresh: () => void;
  /** Resolves when what was refreshed before is in force. */
  readonly settled: () => Promise<void>;
}

export function createServiceSync(
  services: readonly PlacedService[],
  ipFamilies: readonly IpFamily[],
  backends: () => readonly Backend[],
  onError: (error: Error) => void,
): ServiceSync {
  let zone: Zone = buildZone(services, []);
  let inForce = "";
  let isStale = false;
  let updating: Promise<void> | undefined;

  async function update(): Promise<void> {
    while (isStale) {
      isStale = false;
      const now = backends();
      zone = buildZone(services, now);
      const podIps = now.flatMap(({ ips }) => ips);
      const rules = printServiceRules({ ports: servicePorts(services, now), podIps }, ipFamilies);
      if (rules === inForce) continue;
      await applyRules(rules);
      inForce = rules;
    }
  }

  function refresh(): void {
    isStale = true;
    updating ??= Promise.resolve()
      .then(update)
      .catch(onError)
      .finally(() => {
        updating = undefined;
        if (isStale) refresh();
      });
  }

  return { zone: () => zone, refresh, settled: () => updating ?? Promise.resolve() };
}
