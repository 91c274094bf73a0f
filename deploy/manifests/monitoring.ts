import type { IPrometheusRule, IServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import type { IConfigMap } from "kubernetes-models/v1";
import type { InstallSettings } from "../settings.ts";
import { type Alert, ruleOf } from "./alert.ts";
import { dashboard } from "./dashboard.ts";
import { authoritySecretName, certificateSecretName, commonLabels, webhookName } from "./names.ts";

/** Where the authority that signed the served certificate can be read; both Secrets have it under this key. */
function authority(settings: InstallSettings) {
  const own = settings.certificates.from === "self-managed";
  return { secret: { name: own ? authoritySecretName : certificateSecretName(settings), key: "ca.crt" } };
}

export function serviceMonitor(settings: InstallSettings): IServiceMonitor {
  const name = webhookName(settings);
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "ServiceMonitor",
    metadata: { name, namespace: settings.namespace, labels: commonLabels(settings) },
    spec: {
      selector: { matchLabels: commonLabels(settings) },
      endpoints: [
        {
          port: "https",
          scheme: "https",
          path: "/metrics",
          tlsConfig: { ca: authority(settings), serverName: `${name}.${settings.namespace}.svc` },
        },
      ],
    },
  };
}

/** Each alert says what it means for the cluster and where to look. */
export function alerts(settings: InstallSettings): Alert[] {
  const job = `namespace="${settings.namespace}", service="${webhookName(settings)}"`;
  const registration = `name=~".*\\\\.sidecar-injector\\\\.istio\\\\.io"`;
  return [
    {
      alert: "OutriggerWebhookDown",
      expr: `absent(up{${job}} == 1)`,
      for: "2m",
      severity: "critical",
      summary: "No webhook replica answers",
      description: "New Pods start without a sidecar, or are denied where one is required. Run `outrigger check`.",
    },
    {
      alert: "OutriggerWebhookFailingOpen",
      expr: `sum(increase(apiserver_admission_webhook_fail_open_count{${registration}}[5m])) > 0`,
      for: "0m",
      severity: "critical",
      summary: "The API server let Pods through without asking the webhook",
      description: "These Pods run outside the mesh: `outrigger check` lists them; restart them once it is back.",
    },
    {
      alert: "OutriggerCertificateExpiresSoon",
      expr: `min(outrigger_webhook_certificate_not_after_timestamp_seconds{${job}}) - time() < 3600`,
      for: "5m",
      severity: "critical",
      summary: "The webhook's certificate expires within an hour and was not renewed",
      description: "Look at the webhook's log, and at cert-manager's if it makes the certificate.",
    },
    {
      alert: "OutriggerConfigurationRefused",
      expr: `increase(outrigger_webhook_configuration_loads_total{${job}, result="refused"}[10m]) > 0`,
      for: "0m",
      severity: "warning",
      summary: "A new configuration was refused; the old one is in use",
      description: "The event on the ConfigMap and the webhook's log say which field is wrong.",
    },
    {
      alert: "OutriggerWebhookSlow",
      expr: `histogram_quantile(0.99, sum by (le) (rate(outrigger_webhook_review_duration_seconds_bucket{${job}}[5m]))) > 0.25`,
      for: "10m",
      severity: "warning",
      summary: "One in a hundred Pods waits longer than 250 ms for its sidecar",
      description: "The replicas may lack CPU: see the event loop's lag on the dashboard.",
    },
    {
      alert: "OutriggerWebhookRejectsRequests",
      expr: `sum(rate(outrigger_webhook_rejected_requests_total{${job}}[5m])) > 0.1`,
      for: "5m",
      severity: "warning",
      summary: "The webhook turns requests away",
      description: "429 and 503 mean overload, 4xx that somebody other than the API server calls it.",
    },
  ];
}

export function alertRules(settings: InstallSettings): IPrometheusRule {
  const metadata = { name: webhookName(settings), namespace: settings.namespace, labels: commonLabels(settings) };
  return ruleOf(metadata, "outrigger-webhook", alerts(settings));
}

/** Grafana's sidecar loads the dashboards of ConfigMaps with this label. */
export function dashboardConfigMap(settings: InstallSettings): IConfigMap {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: `${webhookName(settings)}-dashboard`,
      namespace: settings.namespace,
      labels: { ...commonLabels(settings), grafana_dashboard: "1" },
    },
    data: { "outrigger-webhook.json": `${JSON.stringify(dashboard, undefined, 2)}\n` },
  };
}
