import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { OutriggerError } from "../mesh/errors.ts";
import { type ServingPair, servingPair } from "./certificate.ts";

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

/** Changes arrive in bursts, and the kubelet swaps a symbolic link that not every file system reports. */
const settleMs = 50;
const pollMs = 10_000;

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const message = `cannot be read: ${(cause as Error).message}`;
    throw new OutriggerError("BAD_CONFIGURATION", [{ field: "TLS file", value: file, message }], { cause });
  }
}

/** Reads the pair. @throws OutriggerError BAD_CONFIGURATION when a file is missing or the pair cannot be served */
export async function readCertificateFiles({ certificate, privateKey }: CertificateFiles): Promise<ServingPair> {
  const [certificatePem, privateKeyPem] = await Promise.all([read(certificate), read(privateKey)]);
  return servingPair(certificatePem, privateKeyPem, `${certificate} and ${privateKey}`, new Date());
}

/** Reads again whenever the files may have changed, and tells what is new. */
function createReader(files: CertificateFiles, current: ServingPair, listener: CertificateListener) {
  let served = current;
  let lastRefusal = "";
  const readOnce = async () => {
    try {
      const pair = await readCertificateFiles(files);
      lastRefusal = "";
      if (pair.certificate === served.certificate && pair.privateKey === served.privateKey) return;
      served = pair;
      listener.loaded(pair);
    } catch (error) {
      if (!(error instanceof OutriggerError)) throw error;
      if (error.message === lastRefusal) return;
      lastRefusal = error.message;
      listener.refused(error);
    }
  };
  let chain = Promise.resolve();
  return () => {
    chain = chain.then(readOnce);
  };
}

/**
 * Follows two files from the pair that is served now. A pair that is half written is refused and read again when the
 * other half comes. The function returned ends it.
 */
export function watchCertificateFiles(files: CertificateFiles, current: ServingPair, listener: CertificateListener) {
  const readAgain = createReader(files, current, listener);
  let settling: NodeJS.Timeout | undefined;
  const changed = () => {
    clearTimeout(settling);
    settling = setTimeout(readAgain, settleMs).unref();
  };
  const folders = new Set([dirname(files.certificate), dirname(files.privateKey)]);
  const watchers: FSWatcher[] = [...folders].map((folder) => watch(folder, { persistent: false }, changed));
  // A folder that goes away ends its watch with an error; the poll goes on.
  for (const watcher of watchers) watcher.on("error", () => watcher.close());
  const poll = setInterval(readAgain, pollMs).unref();
  return () => {
    clearTimeout(settling);
    clearInterval(poll);
    for (const watcher of watchers) watcher.close();
  };
}
