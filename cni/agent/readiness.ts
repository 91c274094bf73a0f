/** What must hold before meshed Pods can start on the node; each with what is missing while it does not. */
const conditions = {
  pods: "this node's Pods have not been read from the API server yet",
  socket: "the plugin's socket is not served",
  plugin: "the plugin does not stand in the node's CNI chain",
} as const;

export type Condition = keyof typeof conditions;

/** Keeps which conditions hold; `changed` is told whenever all of them begin or cease to. */
export function createReadiness(changed: (ready: boolean) => void) {
  const held = new Set<Condition>();
  let ready = false;
  const missing = (): string[] =>
    (Object.keys(conditions) as Condition[]).filter((name) => !held.has(name)).map((name) => conditions[name]);
  return {
    set(condition: Condition, holds: boolean): void {
      if (holds) held.add(condition);
      else held.delete(condition);
      const now = missing().length === 0;
      if (now !== ready) changed(now);
      ready = now;
    },
    missing,
  };
}

export type Readiness = ReturnType<typeof createReadiness>;
