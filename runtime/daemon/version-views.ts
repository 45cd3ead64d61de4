/** Changes an operation's output into what an API version shows of it. */
type View = (output: unknown, version: string) => unknown

const views: Readonly<Record<string, View>> = {}

/** An operation's output as clients of an API version expect it. */
export function viewFor(operationId: string, output: unknown, version: string): unknown {
  return views[operationId]?.(output, version) ?? output
}
