import type { experimental } from "@grpc/grpc-js";
import type { CertificatePem } from "../../host/x509-keys.ts";

type CertificateProvider = Parameters<typeof experimental.createCertificateProviderServerCredentials>[0];
type Listener = Parameters<CertificateProvider["addIdentityCertificateListener"]>[0];

/** The certificate that discovery shows to proxies. A new one takes effect for the next connection. */
export interface ServingCertificate {
  readonly provider: CertificateProvider;
  replace(certificate: CertificatePem): void;
}

export function createServingCertificate(initial: CertificatePem): ServingCertificate {
  const listeners = new Set<Listener>();
  const update = ({ certificate, privateKey }: CertificatePem) => ({
    certificate: Buffer.from(certificate),
    privateKey: Buffer.from(privateKey),
  });
  let current = update(initial);
  return {
    provider: {
      addCaCertificateListener() {},
      removeCaCertificateListener() {},
      addIdentityCertificateListener(listener) {
        listeners.add(listener);
        process.nextTick(listener, current);
      },
      removeIdentityCertificateListener: (listener) => void listeners.delete(listener),
    },
    replace(certificate) {
      current = update(certificate);
      for (const listener of listeners) listener(current);
    },
  };
}
