/**
 * The part of a sidecar's bootstrap that connects it to the control plane: one delta ADS stream over TLS, on which Envoy
 * shows its Pod's service-account token, which it reads anew whenever it connects. There is no agent beside it.
 */
export interface DiscoveryConnection {
  /** `discovery.outrigger-system.svc:15012`; the host is what the server's certificate must be for. */
  readonly address: string;
  /** PEM of the roots that the server's certificate must lead to. */
  readonly rootCertificates: string;
  /** Where the projected token is mounted. */
  readonly tokenFile: string;
}

/** Where injection mounts the token. */
export const tokenFile = "/var/run/secrets/tokens/outrigger-token";

/** Whom the token is for: no other server takes it. */
export const tokenAudience = "outrigger-discovery";

/** Envoy waits this long for its first resources before it opens what it has. */
const initialFetchTimeout = "5s";

const ads = { ads: {}, resource_api_version: "V3", initial_fetch_timeout: initialFetchTimeout } as const;

const tokenCredentials = "envoy.grpc_credentials.file_based_metadata";

/**
 * How long the channel waits before it connects again, at most; two minutes by default. The stream on it has waits of its
 * own, random and up to half a minute, so that a control plane that comes back is not overrun.
 */
const longestReconnectMs = 5_000;

function channelArguments() {
  const values = {
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.max_reconnect_backoff_ms": longestReconnectMs,
  };
  return { args: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { int_value: value }])) };
}

function credentials({ rootCertificates, tokenFile: filename }: DiscoveryConnection) {
  return {
    credentials_factory_name: tokenCredentials,
    channel_credentials: { ssl_credentials: { root_certs: { inline_string: rootCertificates } } },
    call_credentials: [
      {
        from_plugin: {
          name: tokenCredentials,
          typed_config: {
            "@type": "type.googleapis.com/envoy.config.grpc_credential.v3.FileBasedMetadataConfig",
            secret_data: { filename },
            header_key: "authorization",
            header_prefix: "Bearer ",
          },
        },
      },
    ],
  };
}

/** The bootstrap's `dynamic_resources`: everything that the control plane gives, from one stream. */
export function dynamicResources(connection: DiscoveryConnection): Readonly<Record<string, unknown>> {
  const { address } = connection;
  return {
    ads_config: {
      api_type: "DELTA_GRPC",
      transport_api_version: "V3",
      set_node_on_first_message_only: true,
      grpc_services: [
        {
          google_grpc: {
            target_uri: address,
            stat_prefix: "discovery",
            channel_args: channelArguments(),
            ...credentials(connection),
          },
        },
      ],
    },
    lds_config: ads,
    cds_config: ads,
  };
}
