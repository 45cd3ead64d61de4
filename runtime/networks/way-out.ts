import type { Endpoint } from './network-record.js'

/**
 * The endpoint that a container reaches the world by, and is reached by at its published ports: that of the highest priority, else of
 * the first network by name, as in Docker. Undefined where no network leads out.
 */
export function wayOut(endpoints: readonly Endpoint[]): Endpoint | undefined {
  let best: Endpoint | undefined
  for (const endpoint of endpoints) if (!endpoint.internal && (best === undefined || comesBefore(endpoint, best))) best = endpoint
  return best
}

function comesBefore(a: Endpoint, b: Endpoint): boolean {
  return a.priority === b.priority ? a.networkName < b.networkName : a.priority > b.priority
}
