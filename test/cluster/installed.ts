import { install } from "../../deploy/install/install.ts";
import { describeProgress } from "../../deploy/install/progress.ts";
import { type InstallInput, type InstallSettings, installSettings } from "../../deploy/settings.ts";
import type { Cluster } from "./cluster.ts";

/** Outrigger's own namespace in the tests: the one that users get. */
export const systemNamespace = "outrigger-system";

const timeoutMs = 240_000;

/**
 * Brings the cluster's installation to these settings. It costs a second when it is there already, so each spec's file
 * begins with it and can run alone.
 */
export async function installed(cluster: Cluster, input: InstallInput = {}): Promise<InstallSettings> {
  const settings = installSettings(input);
  const course: string[] = [];
  const report = (progress: Parameters<typeof describeProgress>[0]) => course.push(describeProgress(progress));
  try {
    await install(cluster.api, settings, { report, force: true, timeoutMs });
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${course.join("\n")}`, { cause: error });
  }
  return settings;
}
