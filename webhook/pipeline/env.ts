import type { Container } from "../../mesh/pod.ts";

/** The container with an environment variable set: where it stands, or at the end. */
export function withEnv(container: Container, name: string, value: string): Container {
  const env = container.env ?? [];
  const known = env.some((variable) => variable.name === name);
  return {
    ...container,
    env: known
      ? env.map((variable) => (variable.name === name ? { name, value } : variable))
      : [...env, { name, value }],
  };
}
