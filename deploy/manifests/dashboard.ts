interface Panel {
  readonly title: string;
  readonly unit: string;
  /** PromQL and the legend of each line. */
  readonly lines: readonly (readonly [expression: string, legend: string])[];
}

const quantile = (q: number, metric: string) =>
  `histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket{namespace="$namespace"}[$__rate_interval])))`;
const rate = (metric: string, by: string) =>
  `sum by (${by}) (rate(${metric}{namespace="$namespace"}[$__rate_interval]))`;

const duration = "outrigger_webhook_review_duration_seconds";

const panels: readonly Panel[] = [
  {
    title: "Reviews by decision",
    unit: "reqps",
    lines: [[rate("outrigger_webhook_reviews_total", "decision"), "{{decision}}"]],
  },
  { title: "Reviews by rule", unit: "reqps", lines: [[rate("outrigger_webhook_reviews_total", "rule"), "{{rule}}"]] },
  {
    title: "Time to answer",
    unit: "s",
    lines: [
      [quantile(0.5, duration), "median"],
      [quantile(0.99, duration), "99 %"],
    ],
  },
  {
    title: "Requests turned away",
    unit: "reqps",
    lines: [[rate("outrigger_webhook_rejected_requests_total", "code"), "{{code}}"]],
  },
  {
    title: "Patch size",
    unit: "bytes",
    lines: [[quantile(0.5, "outrigger_webhook_patch_bytes"), "median"]],
  },
  {
    title: "Time until the served certificate expires",
    unit: "s",
    lines: [['outrigger_webhook_certificate_not_after_timestamp_seconds{namespace="$namespace"} - time()', "{{pod}}"]],
  },
  {
    title: "Configurations taken over and refused",
    unit: "short",
    lines: [['sum by (result) (outrigger_webhook_configuration_loads_total{namespace="$namespace"})', "{{result}}"]],
  },
  {
    title: "Event loop lag, 99 %",
    unit: "s",
    lines: [['nodejs_eventloop_lag_p99_seconds{namespace="$namespace"}', "{{pod}}"]],
  },
  { title: "Memory", unit: "bytes", lines: [['process_resident_memory_bytes{namespace="$namespace"}', "{{pod}}"]] },
  {
    title: "Connections and requests in flight",
    unit: "short",
    lines: [
      ['sum(outrigger_webhook_connections{namespace="$namespace"})', "connections"],
      ['sum(outrigger_webhook_requests_in_flight{namespace="$namespace"})', "requests in flight"],
    ],
  },
];

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills this in
const datasource = { type: "prometheus", uid: "${datasource}" };
const columns = 2;
const width = 24 / columns;
const height = 8;

function panelJson({ title, unit, lines }: Panel, index: number) {
  return {
    id: index + 1,
    type: "timeseries",
    title,
    datasource,
    gridPos: { x: (index % columns) * width, y: Math.floor(index / columns) * height, w: width, h: height },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    targets: lines.map(([expr, legendFormat], line) => ({
      refId: String.fromCharCode(65 + line),
      datasource,
      expr,
      legendFormat,
    })),
  };
}

/** The webhook's dashboard in Grafana's own format. */
export const dashboard = {
  uid: "outrigger-webhook",
  title: "Outrigger webhook",
  tags: ["outrigger"],
  schemaVersion: 39,
  editable: true,
  refresh: "30s",
  time: { from: "now-1h", to: "now" },
  templating: {
    list: [
      { name: "datasource", type: "datasource", query: "prometheus" },
      {
        name: "namespace",
        type: "query",
        datasource,
        query: "label_values(outrigger_build_info, namespace)",
        refresh: 2,
      },
    ],
  },
  panels: panels.map(panelJson),
};
