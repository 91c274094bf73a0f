/** How one kind of resource stands with one proxy, as discovery tells it and `outrigger proxy-status` prints it. */
export interface KindStatus {
  readonly state: "SYNCED" | "STALE" | "NACK" | "NOT SENT";
  readonly sentAt?: string | undefined;
  readonly acknowledgedAt?: string | undefined;
  /** What the proxy refused last, in Envoy's own words. */
  readonly refused?: { readonly at: string; readonly message: string; readonly names: readonly string[] } | undefined;
}

/** One connected proxy. Times are ISO 8601. */
export interface ProxyStatus {
  readonly namespace: string;
  readonly pod: string;
  readonly serviceAccount: string;
  readonly variant: "delta" | "full";
  readonly since: string;
  readonly kinds: Readonly<Record<string, KindStatus>>;
}
