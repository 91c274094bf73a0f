import type { IPrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly severity: "warning" | "critical";
  readonly summary: string;
  readonly description: string;
}

/** A group of alerts as the Prometheus operator takes them. */
export function ruleOf(
  metadata: NonNullable<IPrometheusRule["metadata"]>,
  name: string,
  alerts: readonly Alert[],
): IPrometheusRule {
  const rules = alerts.map(({ alert, expr, for: duration, severity, summary, description }) => ({
    alert,
    expr,
    for: duration,
    labels: { severity },
    annotations: { summary, description },
  }));
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata,
    spec: { groups: [{ name, rules }] },
  };
}
