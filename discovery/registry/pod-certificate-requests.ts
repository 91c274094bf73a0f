import {
  CertificatesV1alpha1Api,
  CertificatesV1beta1Api,
  CustomObjectsApi,
  type KubeConfig,
  type KubernetesListObject,
} from "@kubernetes/client-node";
import { statusOfError } from "../../kubernetes/api-error.ts";
import { type Following, follow } from "../../kubernetes/follow.ts";
import { withinTimeLimit } from "../../kubernetes/time-limit.ts";
import type { PodCertificateRequest } from "../identity/pod-certificates/request.ts";
import type { RequestSourceEvents } from "../identity/pod-certificates/serve.ts";
import type { PodCertificateRequests } from "../identity/pod-certificates/signer.ts";

const group = "certificates.k8s.io";
const plural = "podcertificaterequests";

/** The versions that are understood, the best first. Their objects differ in one field only. */
const versions = {
  v1beta1: (config: KubeConfig) => config.makeApiClient(CertificatesV1beta1Api).getAPIResources(),
  v1alpha1: (config: KubeConfig) => config.makeApiClient(CertificatesV1alpha1Api).getAPIResources(),
} as const;

/** An API that is not offered now may be after the API server's next start. */
const lookAgainMs = 60_000;
/** A version that goes makes room for another. */
const lookForNextMs = 1_000;

export interface PodCertificateRequestsOptions extends RequestSourceEvents {
  readonly config: KubeConfig;
  readonly signerName: string;
}

async function offers(config: KubeConfig, version: keyof typeof versions): Promise<boolean> {
  try {
    const { resources } = await withinTimeLimit(versions[version](config));
    return resources.some(({ name }) => name === plural);
  } catch (error) {
    if (statusOfError(error) === 404) return false;
    throw error;
  }
}

/** The version that the API server offers; undefined if it has none that is understood. */
async function offeredVersion(config: KubeConfig): Promise<string | undefined> {
  for (const version of Object.keys(versions) as (keyof typeof versions)[]) {
    if (await offers(config, version)) return version;
  }
  return undefined;
}

/** The cluster's PodCertificateRequests, in whichever version it has them. */
export function kubernetesPodCertificateRequests(options: PodCertificateRequestsOptions): PodCertificateRequests {
  const { config, signerName, onMissing, onFound, onError } = options;
  const custom = config.makeApiClient(CustomObjectsApi);
  const fieldSelector = `spec.signerName=${signerName}`;
  let current = "";

  function followVersion(
    version: string,
    changed: (all: readonly PodCertificateRequest[]) => void,
    onGone: () => void,
  ) {
    current = version;
    return follow<PodCertificateRequest>({
      config,
      path: `/apis/${group}/${version}/${plural}`,
      fieldSelector,
      list: async () => {
        const list: unknown = await custom.listClusterCustomObject({ group, version, plural, fieldSelector });
        return list as KubernetesListObject<PodCertificateRequest>;
      },
      changed,
      trouble: (error) => (statusOfError(error) === 404 ? onGone() : onError(error)),
    });
  }

  return {
    follow(changed) {
      let following: Following | undefined;
      let timer: NodeJS.Timeout | undefined;
      let isStopped = false;
      let isMissing = false;

      async function look(): Promise<void> {
        let version: string | undefined;
        try {
          version = await offeredVersion(config);
          if (version === undefined && !isMissing) onMissing();
          isMissing = version === undefined;
        } catch (error) {
          onError(error);
        }
        if (isStopped) return;
        if (version === undefined) timer = setTimeout(look, lookAgainMs).unref();
        else begin(version);
      }

      /** A version goes with an upgrade of the cluster: another one is there then. */
      function begin(version: string): void {
        onFound(version);
        following = followVersion(version, changed, () => {
          following?.stop();
          timer = setTimeout(look, lookForNextMs).unref();
        });
      }

      void look();
      return {
        stop() {
          isStopped = true;
          clearTimeout(timer);
          following?.stop();
        },
      };
    },
    async answer(request, status) {
      const { name = "", namespace = "" } = request.metadata ?? {};
      const body = { ...request, apiVersion: `${group}/${current}`, kind: "PodCertificateRequest", status };
      const target = { group, version: current, plural, namespace, name, body };
      try {
        await withinTimeLimit(custom.replaceNamespacedCustomObjectStatus(target));
        return "written";
      } catch (error) {
        const code = statusOfError(error);
        if (code === 409 || code === 404) return "taken";
        throw error;
      }
    },
  };
}
