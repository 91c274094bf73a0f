import {
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  ListWatch,
  Watch,
} from "@kubernetes/client-node";
import { retryDelayMs } from "./retry-delay.ts";

/** Objects of one kind to be followed. */
export interface FollowOrder<T extends KubernetesObject> {
  readonly config: KubeConfig;
  /** Such as `/api/v1/namespaces/outrigger-system/configmaps`. */
  readonly path: string;
  readonly list: () => Promise<KubernetesListObject<T>>;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  /** All objects that there are, after the first list and after every change. */
  readonly changed: (objects: readonly T[]) => void;
  /** The API server cannot be asked right now. What was known stays; another try follows. */
  readonly trouble: (error: unknown) => void;
}

export interface Following {
  /** The first list has come. */
  readonly ready: Promise<void>;
  readonly stop: () => void;
}

/**
 * Follows objects by list and watch. The informer lists again when its place in the history is gone, and reconnects when
 * a watch ends; any other error stops it, and it is started again here, later each time.
 */
export function follow<T extends KubernetesObject>(order: FollowOrder<T>): Following {
  const { config, path, list, labelSelector, fieldSelector } = order;
  let failures = 0;
  let retry: NodeJS.Timeout | undefined;
  let notice: NodeJS.Immediate | undefined;
  let stopped = false;
  let listed: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    listed = resolve;
  });
  const listAndNotice = async () => {
    const answer = await list();
    failures = 0;
    // Even an empty list is news: the informer calls nobody for it.
    noticeSoon();
    return answer;
  };
  const informer = new ListWatch<T>(path, new Watch(config), listAndNotice, false, labelSelector, fieldSelector);

  /** The informer swallows what its listeners throw, and calls them one object at a time: take all at once, outside. */
  function noticeSoon(): void {
    notice ??= setImmediate(() => {
      notice = undefined;
      if (stopped) return;
      order.changed(informer.list());
      listed();
    });
  }
  const startAgain = (error: unknown) => {
    if (stopped) return;
    order.trouble(error);
    retry = setTimeout(start, retryDelayMs(failures)).unref();
    failures += 1;
  };
  function start(): void {
    informer.start().catch(startAgain);
  }
  informer.on("change", () => {
    failures = 0;
    noticeSoon();
  });
  informer.on("error", startAgain);
  start();
  return {
    ready,
    stop() {
      stopped = true;
      clearTimeout(retry);
      if (notice !== undefined) clearImmediate(notice);
      void informer.stop();
    },
  };
}
