import { create } from "@bufbuild/protobuf";
import { type TransportSocket, TransportSocketSchema } from "../proto/envoy/config/core/v3/base_pb.js";
import { RawBufferSchema } from "../proto/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.js";
import {
  SubjectAltNameMatcher_SanType,
  TlsParameters_TlsProtocol,
} from "../proto/envoy/extensions/transport_sockets/tls/v3/common_pb.js";
import {
  type CommonTlsContext,
  CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../proto/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { ads, pack } from "./message.ts";
import { secretNames } from "./names.ts";

/** Whom a peer must be: one of these identities, or anybody whose identity begins so. */
export type PeerMatch = { readonly exact: readonly string[] } | { readonly prefix: string };

/** Forward secrecy and authenticated encryption, for the peers that still speak TLS 1.2. */
const cipherSuites = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES256-GCM-SHA384",
];

function matchersOf(peers: PeerMatch) {
  const uri = SubjectAltNameMatcher_SanType.URI;
  if ("prefix" in peers) {
    return [{ sanType: uri, matcher: { matchPattern: { case: "prefix" as const, value: peers.prefix } } }];
  }
  return peers.exact.map((value) => ({
    sanType: uri,
    matcher: { matchPattern: { case: "exact" as const, value } },
  }));
}

function commonContext(peers: PeerMatch, alpnProtocols: string[]): CommonTlsContext {
  return create(CommonTlsContextSchema, {
    tlsParams: {
      tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_2,
      tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
      cipherSuites,
    },
    alpnProtocols,
    tlsCertificateSdsSecretConfigs: [{ name: secretNames.certificate, sdsConfig: ads }],
    validationContextType: {
      case: "combinedValidationContext",
      value: {
        defaultValidationContext: { matchTypedSubjectAltNames: matchersOf(peers) },
        validationContextSdsSecretConfig: { name: secretNames.roots, sdsConfig: ads },
      },
    },
  });
}

/** The client's end of mutual TLS. */
export function upstreamTls(peers: PeerMatch, sni: string, alpnProtocols: string[]): TransportSocket {
  return create(TransportSocketSchema, {
    name: "envoy.transport_sockets.tls",
    configType: {
      case: "typedConfig",
      value: pack(UpstreamTlsContextSchema, { commonTlsContext: commonContext(peers, alpnProtocols), sni }),
    },
  });
}

/**
 * The server's end. It picks no ALPN protocol: what the client offers only chose the filter chain, and the HTTP version is
 * seen from the first bytes.
 */
export function downstreamTls(peers: PeerMatch): TransportSocket {
  return create(TransportSocketSchema, {
    name: "envoy.transport_sockets.tls",
    configType: {
      case: "typedConfig",
      value: pack(DownstreamTlsContextSchema, {
        commonTlsContext: commonContext(peers, []),
        requireClientCertificate: true,
      }),
    },
  });
}

export const plainText: TransportSocket = create(TransportSocketSchema, {
  name: "envoy.transport_sockets.raw_buffer",
  configType: { case: "typedConfig", value: pack(RawBufferSchema, {}) },
});

/** `spiffe://cluster.local/ns/default/sa/reviews` */
export function spiffeId(trustDomain: string, namespace: string, serviceAccount: string): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}
