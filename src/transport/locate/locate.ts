import { EngineError } from '../../errors/index.js'
import { currentContext, dockerContext, optionContext } from './context-by-name.js'
import { dockerHost } from './docker-host.js'
import type { Located } from './located.js'
import { optionHost } from './option-host.js'
import type { LocatePorts } from './ports.js'
import type { LocateOptions, Strategy } from './strategy.js'
import { wellKnownSockets } from './well-known-sockets.js'

/** The docker CLI's order of precedence. */
const explicitStrategies: readonly Strategy[] = [optionHost, optionContext, dockerHost, dockerContext, currentContext]

/**
 * Where an engine may be, in order, with why each place that was looked at is out. Connects to nothing.
 *
 * When a place was asked for (an option, `DOCKER_HOST`, a context) it is the last of the list, the only one that is
 * `explicit` and the only one to try; otherwise the list ends with the well-known sockets, to be tried in order.
 *
 * @throws invalid_argument for options that contradict each other or a malformed docker config or context, not_found
 * for a context or a certificate that does not exist, permission_denied for a file that cannot be read
 */
export async function locate(ports: LocatePorts, options: LocateOptions = {}): Promise<readonly Located[]> {
  if (options.host !== undefined && options.context !== undefined) {
    throw new EngineError('invalid_argument', `host (${options.host}) and context (${options.context}) were both given. Give one of them`)
  }
  if (options.tls !== undefined && options.host === undefined) {
    throw new EngineError('invalid_argument', 'tls was given without host. Give the host it is for, such as tcp://192.0.2.1:2376')
  }
  const located: Located[] = []
  for (const strategy of explicitStrategies) {
    located.push(...(await strategy(ports, options)))
    if (located.at(-1)?.explicit) return located
  }
  return [...located, ...(await wellKnownSockets(ports, options))]
}
