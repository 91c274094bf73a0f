import { readFileSync } from "node:fs";
import type { Pod } from "../mesh/pod.ts";
import { admit } from "../webhook/admit.ts";
import { injectionSettings } from "../webhook/settings.ts";

/** A Pod as a Deployment makes it, some 4.5 KB of JSON: probes, env from here and there, volumes, affinity. */
function deploymentPod(): Pod {
  return JSON.parse(readFileSync(new URL("deployment-pod.json", import.meta.url), "utf8")) as Pod;
}

function withEnv(count: number): Pod {
  const pod = deploymentPod();
  const [container] = pod.spec.containers;
  const env = Array.from({ length: count }, (_unused, index) => ({
    name: `VARIABLE_${index}`,
    value: `value-${index}`,
  }));
  return { ...pod, spec: { ...pod.spec, containers: container === undefined ? [] : [{ ...container, env }] } };
}

function withContainers(count: number): Pod {
  const pod = deploymentPod();
  const [container] = pod.spec.containers;
  const named = Array.from({ length: count }, (_unused, index) => ({ ...container, name: `container-${index}` }));
  return { ...pod, spec: { ...pod.spec, containers: named } };
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Microseconds of one admission, from the parsed Pod to the patch. Parsing the Pod is not in it. */
function measure(pod: Pod, settings: ReturnType<typeof injectionSettings>, rounds: number) {
  const text = JSON.stringify(pod);
  const times = new Float64Array(rounds);
  let patchBytes = 0;
  for (let index = 0; index < rounds; index += 1) {
    const object = JSON.parse(text) as Pod;
    const start = process.hrtime.bigint();
    const admission = admit({ namespace: "shop", object }, settings);
    times[index] = Number(process.hrtime.bigint() - start) / 1000;
    if (!admission.allowed) throw new Error(admission.message);
    patchBytes = JSON.stringify(admission.patch).length;
  }
  const steady = times.slice(Math.floor(rounds / 4)).sort();
  const round = (value: number) => Math.round(value * 10) / 10;
  const mean = steady.reduce((sum, time) => sum + time, 0) / steady.length;
  return {
    podBytes: text.length,
    patchBytes,
    microseconds: { p50: round(percentile(steady, 0.5)), p99: round(percentile(steady, 0.99)), mean: round(mean) },
  };
}

const pods = { deployment: deploymentPod(), env2000: withEnv(2000), containers20: withContainers(20) };
const rounds = { deployment: 8000, env2000: 1000, containers20: 3000 };

const results = (["envoy", "istio"] as const).map((profile) => {
  const settings = injectionSettings({ profile });
  const cases = (Object.keys(pods) as (keyof typeof pods)[]).map(
    (name) => [name, measure(pods[name], settings, rounds[name])] as const,
  );
  return [profile, Object.fromEntries(cases)] as const;
});

const rssMegabytes = Math.round(process.memoryUsage.rss() / 1e5) / 10;
process.stdout.write(
  `${JSON.stringify({ bench: "inject-core", ...Object.fromEntries(results), rssMegabytes }, null, 2)}\n`,
);
