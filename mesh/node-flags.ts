/**
 * How Node.js is started for the webhook. A small young generation, and no compiler threads with memory of their own,
 * save a third of its memory under full load for a tenth of its speed. V8 takes them on the command line only.
 * docs/adr/0040-webhook-memory-and-speed.md has the figures.
 */
export const webhookNodeFlags: readonly string[] = ["--max-semi-space-size=4", "--no-concurrent-recompilation"];

/**
 * glibc keeps a heap for each thread and gives little of it back. Discovery holds thousands of connections, each of which
 * begins with megabytes that it needs once: with one heap, and large pieces by themselves, it keeps a fifth less.
 */
export const discoveryEnvironment = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: "131072",
  MALLOC_TRIM_THRESHOLD_: "131072",
} as const;
