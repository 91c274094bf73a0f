import type { IPrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import type { InstallSettings } from "../settings.ts";
import { type Alert, ruleOf } from "./alert.ts";
import { discoveryMetadata, discoveryName } from "./discovery-names.ts";

const daySeconds = 24 * 3600;

/** What can go wrong with the control plane. Sidecars go on with what they have; each alert says what they then miss. */
export function discoveryAlerts(settings: InstallSettings): Alert[] {
  const job = `namespace="${settings.namespace}", service="${discoveryName(settings)}"`;
  return [
    {
      alert: "OutriggerDiscoveryDown",
      expr: `absent(up{${job}} == 1)`,
      for: "2m",
      severity: "critical",
      summary: "No replica of discovery answers",
      description: "Sidecars miss every change, and their certificates are not renewed; new Pods do not become ready.",
    },
    {
      alert: "OutriggerWorkloadCertificateEndsSoon",
      expr: `min(outrigger_discovery_first_certificate_expiry_timestamp_seconds{${job}} > 0) - time() < 3600`,
      for: "5m",
      severity: "critical",
      summary: "A workload's certificate ends within an hour and was not renewed",
      description: "Its connections will fail. Discovery's log says why: `certificate not renewed`.",
    },
    {
      alert: "OutriggerAuthorityEndsSoon",
      expr: `min by (authority) (outrigger_discovery_authority_expiry_timestamp_seconds{${job}}) - time() < ${30 * daySeconds}`,
      for: "1h",
      severity: "warning",
      summary: "What {{ $labels.authority }} signs with ends within 30 days",
      description:
        "The mesh's authority is replaced by hand: docs/identity.md. Discovery's own root has a successor by then.",
    },
    {
      alert: "OutriggerProxyRefusedConfiguration",
      expr: `sum by (kind) (increase(outrigger_discovery_nacks_total{${job}}[10m])) > 0`,
      for: "0m",
      severity: "warning",
      summary: "A sidecar refused {{ $labels.kind }} and goes on with what it had",
      description: "`outrigger proxy-status` has its words.",
    },
    {
      alert: "OutriggerDiscoveryRejectsProxies",
      expr: `sum by (reason) (rate(outrigger_discovery_rejected_streams_total{${job}}[5m])) > 0.1`,
      for: "10m",
      severity: "warning",
      summary: "Connections to discovery are turned away: {{ $labels.reason }}",
      description:
        "Discovery's log names the peers. Tokens of others, or more connections than a Pod needs, are nobody's right.",
    },
    {
      alert: "OutriggerDiscoverySlow",
      expr: `histogram_quantile(0.99, sum by (le) (rate(outrigger_discovery_update_delay_seconds_bucket{${job}}[5m]))) > 2.5`,
      for: "10m",
      severity: "warning",
      summary: "A change takes longer than two and a half seconds to be worked off",
      description: "The replicas may lack CPU, or everybody sees every Service: see discovery.exportTo.",
    },
  ];
}

export function discoveryAlertRules(settings: InstallSettings): IPrometheusRule {
  return ruleOf(discoveryMetadata(settings), "outrigger-discovery", discoveryAlerts(settings));
}
