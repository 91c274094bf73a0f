import fc from "fast-check";
import type { Container, Pod } from "../mesh/pod.ts";

/** Values of a field that may be missing. */
const maybe = <Value>(field: string, value: fc.Arbitrary<Value>) =>
  fc.option(value, { nil: undefined }).map((given) => (given === undefined ? {} : { [field]: given }));

const port = fc.integer({ min: 1, max: 14999 });
const path = fc.constantFrom("/", "/healthz", "/ready?full=1&x=<y>", "");

const httpGet = fc
  .tuple(
    fc.record({ port: fc.oneof(port, fc.constantFrom("http", "missing")) }),
    maybe("path", path),
    maybe("scheme", fc.constantFrom("HTTP", "HTTPS")),
    maybe("httpHeaders", fc.constant([{ name: "Host", value: "till.example" }])),
  )
  .map((parts) => ({ httpGet: Object.assign({}, ...parts) }));

const action = fc.oneof(
  httpGet,
  port.map((number) => ({ tcpSocket: { port: number } })),
  fc
    .tuple(port, maybe("service", fc.constantFrom("", "till")))
    .map(([number, service]) => ({ grpc: { port: number, ...service } })),
  fc.constant({ exec: { command: ["true"] } }),
);

const probe = fc
  .tuple(
    action,
    maybe("timeoutSeconds", fc.integer({ min: 1, max: 9 })),
    maybe("periodSeconds", fc.integer({ min: 1, max: 9 })),
  )
  .map((parts) => Object.assign({}, ...parts));

const hook = action.filter((one) => !("grpc" in one));

const env = fc.uniqueArray(
  fc.record({ name: fc.constantFrom("A", "B", "PATH", "POD_NAME"), value: fc.string({ maxLength: 5 }) }),
  { selector: ({ name }) => name, maxLength: 3 },
);

const ports = fc.constantFrom(
  [],
  [{ name: "http", containerPort: 8080 }],
  [{ name: "http", containerPort: 8080, protocol: "TCP" }, { containerPort: 9090 }],
);

function containerNamed(name: string): fc.Arbitrary<Container> {
  return fc
    .tuple(
      fc.constant({ name, image: `${name}:1` }),
      maybe("env", env),
      maybe("ports", ports),
      maybe("readinessProbe", probe),
      maybe("livenessProbe", probe),
      maybe("startupProbe", probe),
      maybe("lifecycle", fc.record({ preStop: hook })),
      maybe("futureField", fc.constant({ kept: [1, 2] })),
    )
    .map((parts) => Object.assign({}, ...parts) as Container);
}

/** A container of the user's own for the injected proxy. */
const ownProxy: fc.Arbitrary<Container> = fc
  .tuple(
    fc.constant({ name: "istio-proxy", image: "auto" }),
    maybe("resources", fc.constant({ limits: { cpu: "3" } })),
    maybe("env", fc.constant([{ name: "MINE", value: "1" }])),
    maybe("securityContext", fc.constant({ runAsUser: 1234, runAsGroup: 1234 })),
    maybe("args", fc.constant(["custom"])),
  )
  .map((parts) => Object.assign({}, ...parts) as Container);

const containers = fc
  .tuple(
    fc
      .subarray(["till", "shop", "sidekick"], { minLength: 1 })
      .chain((names) => fc.tuple(...names.map(containerNamed))),
    fc.option(ownProxy, { nil: undefined, freq: 4 }),
  )
  .map(([own, proxy]) => (proxy === undefined ? own : [...own, proxy]));

const initContainers = fc
  .subarray(["migrate", "warm-up"])
  .chain((names) => fc.tuple(...names.map(containerNamed)) as fc.Arbitrary<Container[]>);

const labels = fc.dictionary(
  fc.constantFrom("app", "version", "app.kubernetes.io/name", "security.istio.io/tlsMode", "topology.istio.io/network"),
  fc.constantFrom("one", "two"),
  { maxKeys: 3 },
);

const annotations = fc
  .tuple(
    maybe("prometheus.io/scrape", fc.constantFrom("true", "false")),
    maybe("prometheus.io/port", fc.constantFrom("8080", "15020")),
    maybe("prometheus.io/path", fc.constantFrom("/metrics", "/stats/prometheus")),
    maybe("prometheus.istio.io/scrape-targets", fc.constantFrom("8080:/metrics,9100:/custom", "9100")),
    maybe("sidecar.istio.io/interceptionMode", fc.constantFrom("REDIRECT", "TPROXY", "NONE")),
    maybe("sidecar.istio.io/nativeSidecar", fc.constantFrom("true", "false")),
    maybe("status.sidecar.istio.io/port", fc.constantFrom("0", "123", "15020")),
    maybe("traffic.sidecar.istio.io/excludeInboundPorts", fc.constantFrom("", "80", "15020,80")),
    maybe("proxy.istio.io/config", fc.constantFrom("concurrency: 1", "holdApplicationUntilProxyStarts: true")),
    maybe("sidecar.istio.io/rewriteAppHTTPProbers", fc.constantFrom("true", "false")),
    maybe("kubectl.kubernetes.io/default-container", fc.constant("till")),
    maybe("sidecar.istio.io/bootstrapOverride", fc.constant("own-bootstrap")),
    fc.constantFrom(
      {},
      {
        "sidecar.istio.io/userVolume": '{"certificates":{"secret":{"secretName":"till"}}}',
        "sidecar.istio.io/userVolumeMount": '{"certificates":{"mountPath":"/etc/certificates"}}',
      },
    ),
    maybe("team", fc.constant("checkout")),
  )
  .map((parts) => Object.assign({}, ...parts) as Record<string, string>);

const metadata = fc
  .tuple(
    fc.constantFrom(
      { name: "till" },
      {
        generateName: "till-7d9-",
        ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "till-7d9", controller: true }],
      },
    ),
    maybe("labels", labels),
    maybe("annotations", annotations),
  )
  .map((parts) => Object.assign({}, ...parts));

const volumes = fc.constantFrom(
  [],
  [{ name: "data", emptyDir: {} }],
  [{ name: "workload-socket", csi: { driver: "csi.spiffe.io" } }],
);

/** Pods as users write them: probes and hooks of every kind, annotations that change injection, unknown fields. */
export const arbitraryPod: fc.Arbitrary<Pod> = fc
  .tuple(
    metadata,
    containers,
    maybe("initContainers", initContainers),
    maybe("volumes", volumes),
    maybe("futureField", fc.constant({ kept: true })),
  )
  .map(
    ([meta, list, ...spec]) =>
      JSON.parse(
        JSON.stringify({
          apiVersion: "v1",
          kind: "Pod",
          metadata: meta,
          spec: Object.assign({ containers: list }, ...spec),
        }),
      ) as Pod,
  );
