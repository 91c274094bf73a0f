/**
 * How Node.js is started for a service, in the images. A small young generation, and no compiler threads with memory of
 * their own, save a third of the memory under full load. V8 takes flags on the command line only.
 */
export const serviceNodeFlags: readonly string[] = ["--max-semi-space-size=4", "--no-concurrent-recompilation"];

/**
 * The webhook's own. In each second it makes a hundred times of what it keeps: V8 collects early, instead of letting the
 * heap double. docs/adr/0040-webhook-memory-and-speed.md has the figures.
 */
export const webhookNodeFlags: readonly string[] = [...serviceNodeFlags, "--optimize-for-size"];

/**
 * glibc keeps a heap for each thread and gives little of it back. Discovery holds thousands of connections, each of which
 * begins with megabytes that it needs once: with one heap, and large pieces by themselves, it keeps a fifth less. The
 * webhook's threads hand memory to each other, which fills all their heaps.
 */
export const allocatorEnvironment = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: "131072",
  MALLOC_TRIM_THRESHOLD_: "131072",
} as const;
