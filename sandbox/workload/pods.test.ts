import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectMeta, Pod } from "../../mesh/pod.ts";
import { readManifest } from "../manifest/read.ts";
import { parseObjects } from "../manifest/yaml.ts";
import { withDefaults } from "./defaults.ts";
import { jobPod, podsOf } from "./pods.ts";

function workload(kind: string, spec: object, apiVersion = "apps/v1") {
  const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "node:24" }] } };
  const object = { apiVersion, kind, metadata: { name: "web", namespace: "shop" }, spec: { template, ...spec } };
  const [first] = readManifest(parseObjects([{ name: "test", text: JSON.stringify(object) }]), "default").workloads;
  assert.ok(first);
  return first;
}

function pods(kind: string, spec: object = {}) {
  const found = workload(kind, spec);
  assert.ok(found.kind !== "Job");
  return podsOf(found);
}

test("a Deployment's Pods are named by a ReplicaSet, always the same for the same template", () => {
  const [one, two] = pods("Deployment", { replicas: 2 });
  assert.match(one?.name ?? "", /^web-[a-z0-9]{9}-[a-z0-9]{5}$/);
  assert.notEqual(one?.name, two?.name);
  assert.deepEqual(pods("Deployment", { replicas: 2 }), [one, two]);
  assert.ok(one);
  const { labels, generateName, ownerReferences } = one.object.metadata as ObjectMeta;
  assert.equal(labels?.app, "web");
  assert.equal(generateName, `web-${labels?.["pod-template-hash"]}-`);
  assert.deepEqual([ownerReferences?.[0]?.kind, ownerReferences?.[0]?.controller], ["ReplicaSet", true]);
});

test("a StatefulSet's Pods have numbers, host names and claims of their own", () => {
  const claim = { metadata: { name: "data" } };
  const found = pods("StatefulSet", { replicas: 2, serviceName: "db", volumeClaimTemplates: [claim] });
  assert.deepEqual(
    found.map(({ name }) => name),
    ["web-0", "web-1"],
  );
  const [, second] = found;
  assert.ok(second);
  const { spec } = second.object as Pod;
  assert.deepEqual([spec.hostname, spec.subdomain], ["web-1", "db"]);
  assert.deepEqual(spec.volumes, [{ name: "data", persistentVolumeClaim: { claimName: "data-web-1" } }]);
});

test("each attempt at a completion of an indexed Job is a Pod that knows its index", () => {
  const job = workload("Job", { completionMode: "Indexed", completions: 3 }, "batch/v1");
  assert.ok(job.kind === "Job");
  const pod = jobPod(job, 2, 0);
  assert.match(pod.name, /^web-2-[a-z0-9]{5}$/);
  assert.notEqual(pod.name, jobPod(job, 2, 1).name);
  assert.deepEqual((pod.object as Pod).spec.containers[0]?.env, [{ name: "JOB_COMPLETION_INDEX", value: "2" }]);
});

test("the defaults are those that a webhook sees in a cluster, with the ServiceAccount's token", () => {
  const [wanted] = pods("Deployment");
  const { spec } = withDefaults(wanted?.object as Pod, "seed", []);
  assert.equal(spec.restartPolicy, "Always");
  assert.equal(spec.containers[0]?.imagePullPolicy, "IfNotPresent");
  assert.equal(spec.serviceAccountName, "default");
  assert.match(spec.volumes?.[0]?.name ?? "", /^kube-api-access-/);
  assert.equal(spec.containers[0]?.volumeMounts?.[0]?.mountPath, "/var/run/secrets/kubernetes.io/serviceaccount");
});

test("a ServiceAccount or a Pod may do without its token", () => {
  const [wanted] = pods("Deployment");
  const pod = wanted?.object as Pod;
  const account = { name: "default", namespace: "shop", automountToken: false };
  assert.equal(withDefaults(pod, "seed", [account]).spec.volumes, undefined);
  const own = { ...pod, spec: { ...pod.spec, automountServiceAccountToken: false } };
  assert.equal(withDefaults(own, "seed", []).spec.volumes, undefined);
});
