/**
 * Kubernetes' `$(NAME)` in command, args and env: a known name gives its value, an unknown one stays as it is, and `$$`
 * gives `$`, so that `$$(NAME)` stays `$(NAME)`.
 * Source: https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) => {
    if (name === undefined) return "$";
    return variables.get(name) ?? whole;
  });
}
