import { readFile } from "node:fs/promises";
import { OutriggerError } from "../mesh/errors.ts";
import { type ServingPair, servingPair } from "./certificate.ts";
import { watchFiles } from "./watch-files.ts";

/** A mounted Secret of type kubernetes.io/tls, or any two files like it. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface CertificateListener {
  readonly loaded: (pair: ServingPair) => void;
  /** What was found cannot be served. Told once for each content; the last good pair stays. */
  readonly refused: (error: OutriggerError) => void;
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const message = `cannot be read: ${(cause as Error).message}`;
    throw new OutriggerError("BAD_CONFIGURATION", [{ field: "TLS file", value: file, message }], { cause });
  }
}

async function readPair({ certificate, privateKey }: CertificateFiles): Promise<ServingPair> {
  const [certificatePem, privateKeyPem] = await Promise.all([read(certificate), read(privateKey)]);
  return servingPair(certificatePem, privateKeyPem, `${certificate} and ${privateKey}`, new Date());
}

/**
 * Loads a certificate and its key from two files, and again whenever they change. A pair that is half written is refused
 * and read again when the other half comes. The function returned ends it.
 * @throws OutriggerError BAD_CONFIGURATION when the first pair is missing or cannot be served
 */
export async function followCertificateFiles(
  files: CertificateFiles,
  { loaded, refused }: CertificateListener,
): Promise<() => void> {
  let served = await readPair(files);
  let lastRefusal = "";
  loaded(served);
  return watchFiles([files.certificate, files.privateKey], async () => {
    try {
      const pair = await readPair(files);
      lastRefusal = "";
      if (pair.certificate === served.certificate && pair.privateKey === served.privateKey) return;
      served = pair;
      loaded(pair);
    } catch (error) {
      if (!(error instanceof OutriggerError)) throw error;
      if (error.message === lastRefusal) return;
      lastRefusal = error.message;
      refused(error);
    }
  });
}
