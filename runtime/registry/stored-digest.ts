import { EngineError } from '../../src/errors/index.js'
import { type Digest, digestParts, isDigest } from './digest.js'
import type { Exchange } from './exchange.js'

/**
 * Hold what a registry says that it has stored against what it was sent. Many say nothing; some say it by another algorithm.
 *
 * @param doing for the message: `push alpine:latest`
 * @throws EngineError `data_loss` where it is something else
 */
export function checkStored({ headers, host }: Pick<Exchange, 'headers' | 'host'>, sent: Digest, doing: string): void {
  const stored = headers.get('docker-content-digest')?.trim() ?? ''
  if (!isDigest(stored) || stored === sent || digestParts(stored).algorithm !== digestParts(sent).algorithm) return
  throw new EngineError(
    'data_loss',
    `cannot ${doing}: registry ${host} says that it stored ${stored} where ${sent} was sent: it changes what it gets, or something before it does`,
    { details: { registry: host, digest: sent, actual: stored } }
  )
}
