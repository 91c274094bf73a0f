import { OutriggerError } from "../../mesh/errors.ts";

export interface TurnstileLimits {
  /** How many run at once. */
  readonly running: number;
  /** How many may wait for their turn. */
  readonly waiting: number;
}

/** Lets work in by turns: at most so many at once, at most so many waiting, first come first served. */
export function createTurnstile({ running: most, waiting: longest }: TurnstileLimits) {
  const queue: (() => void)[] = [];
  let running = 0;

  async function enter(): Promise<void> {
    if (running < most) {
      running += 1;
      return;
    }
    if (queue.length >= longest) {
      const message = `has ${longest} requests waiting`;
      const remedy = "this is tried again; give the agent more CPU if it happens often";
      throw new OutriggerError("AGENT_BUSY", [{ field: "the node agent", message, remedy }]);
    }
    // Whoever leaves hands its place on, so `running` stays.
    await new Promise<void>((resolve) => queue.push(resolve));
  }

  function leave(): void {
    const next = queue.shift();
    if (next === undefined) running -= 1;
    else next();
  }

  return {
    /** @throws OutriggerError AGENT_BUSY when too many wait already */
    async run<T>(work: () => Promise<T>): Promise<T> {
      await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
    waiting: () => queue.length,
  };
}

export type Turnstile = ReturnType<typeof createTurnstile>;
