import { EngineError } from '../../errors/index.js'
import { findCredentials } from '../../registry-auth/find-credentials.js'
import { locate } from '../../transport/locate/locate.js'
import type { Located } from '../../transport/locate/located.js'
import { machinePorts } from '../../transport/locate/ports.js'
import type { Transport } from '../../transport/transport.js'
import { linkSignals } from '../../util/link-signals.js'
import type { Candidate } from '../engine.js'
import type { CheckedEngineOptions } from './engine-options.js'

/** An engine that was chosen, and everything that was considered. */
export interface Choice {
  readonly transport: Transport
  readonly candidates: readonly Candidate[]
}

/** The two kinds of transport, and where to look for engines: what choosing needs from outside. */
export interface ChoicePorts {
  locate(): Promise<readonly Located[]>
  probeInProcess(): Promise<{ readonly usable: boolean; readonly reason: string; readonly fix?: string }>
  openInProcess(): Promise<Transport>
  /** `signal` ends the attempt. */
  openHttp(located: Located & { readonly endpoint: string }, signal?: AbortSignal): Promise<Transport>
}

/**
 * Choose an engine: what was asked for (by options, environment or context), which has to work; else this host; else the first socket that
 * answers.
 *
 * @throws EngineError what the asked-for engine failed with; `unavailable` with everything that was tried
 */
export async function chooseEngine(options: CheckedEngineOptions, ports: ChoicePorts = portsFor(options)): Promise<Choice> {
  if (options.transport === 'in-process') {
    const transport = await ports.openInProcess()
    return { transport, candidates: [inProcess(true, 'asked for by an option', { endpoint: transport.endpoint })] }
  }
  const places = await ports.locate()
  const explicit = places.find(place => place.explicit)
  if (explicit !== undefined) {
    const before = places.filter(place => place !== explicit).map(skipped)
    return { transport: await openExplicit(ports, explicit), candidates: [...before, chosen(explicit, 'asked for')] }
  }
  // What has no endpoint is a setting that nobody made; it would have come before this host.
  const sockets = places.filter(place => place.endpoint !== undefined)
  const candidates = places.filter(place => place.endpoint === undefined).map(skipped)
  const attempts = [() => tryInProcess(ports, options), ...sockets.map(socket => () => trySocket(ports, socket))]
  for (const [index, attempt] of attempts.entries()) {
    const { transport, candidate } = await attempt()
    options.signal?.throwIfAborted()
    candidates.push(candidate)
    if (transport !== undefined) return { transport, candidates: [...candidates, ...sockets.slice(index).map(notTried)] }
  }
  throw noEngine(candidates)
}

interface Attempt {
  readonly candidate: Candidate
  readonly transport?: Transport
}

async function openExplicit(ports: ChoicePorts, place: Located): Promise<Transport> {
  const { endpoint, name, skipped: why, fix } = place
  const advice = fix === undefined ? '' : `. What helps: ${fix}`
  if (endpoint === undefined || why !== undefined) {
    throw new EngineError('unavailable', `${name}: ${why ?? 'it names no engine'}${advice}`)
  }
  try {
    return await ports.openHttp({ ...place, endpoint })
  } catch (error) {
    if (!EngineError.is(error)) throw error
    throw new EngineError(error.code, `${name}: ${error.message}${advice}`, { details: error.details, cause: error })
  }
}

async function tryInProcess(ports: ChoicePorts, options: CheckedEngineOptions): Promise<Attempt> {
  if (options.transport === 'http') return { candidate: inProcess(false, "left out by the option transport: 'http'") }
  const { usable, reason, fix } = await ports.probeInProcess()
  if (!usable) return { candidate: inProcess(false, reason, { ...(fix !== undefined && { fix }) }) }
  const transport = await ports.openInProcess()
  return { transport, candidate: inProcess(true, reason, { endpoint: transport.endpoint }) }
}

async function trySocket(ports: ChoicePorts, socket: Located): Promise<Attempt> {
  const { endpoint } = socket
  if (endpoint === undefined || socket.skipped !== undefined) return { candidate: skipped(socket) }
  try {
    return {
      transport: await ports.openHttp({ ...socket, endpoint }, AbortSignal.timeout(probeMs)),
      candidate: chosen(socket, 'the first socket that answered')
    }
  } catch (error) {
    if (isTimeout(error)) return { candidate: { ...skipped(socket), reason: `it did not answer within ${probeMs} ms` } }
    if (!EngineError.is(error)) throw error
    return { candidate: { ...skipped(socket), reason: error.message } }
  }
}

/** How long a well-known socket may take to answer: one whose engine is dead must not hold up the search. */
const probeMs = 5_000

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError'
}

function noEngine(candidates: readonly Candidate[]): EngineError {
  const tried = candidates.map(({ name, endpoint, reason, fix }) => {
    const where = endpoint === undefined ? '' : ` (${endpoint})`
    return `  ${name}${where}: ${reason}${fix === undefined ? '' : `; ${fix}`}`
  })
  return new EngineError('unavailable', `No container engine was found. What was tried:\n${tried.join('\n')}`, { details: { candidates } })
}

function inProcess(isChosen: boolean, reason: string, more: { readonly endpoint?: string; readonly fix?: string } = {}): Candidate {
  return { name: 'in-process', chosen: isChosen, reason, ...more }
}

function chosen(place: Located, reason: string): Candidate {
  return { ...named(place), chosen: true, reason }
}

function skipped(place: Located): Candidate {
  return { ...named(place), chosen: false, reason: place.skipped ?? 'not tried', ...(place.fix !== undefined && { fix: place.fix }) }
}

function notTried(place: Located): Candidate {
  return { ...named(place), chosen: false, reason: place.skipped ?? 'not tried: an engine before it was chosen' }
}

function named(place: Located): { readonly name: string; readonly endpoint?: string } {
  return { name: place.name, ...(place.endpoint !== undefined && { endpoint: place.endpoint }) }
}

function portsFor(options: CheckedEngineOptions): ChoicePorts {
  const { host, context, tls, root, runtime, registries, trust, signal } = options
  return {
    locate: () =>
      locate(machinePorts(), { ...(host !== undefined && { host }), ...(context !== undefined && { context }), ...(tls && { tls }) }),
    probeInProcess: async () => {
      const { probeInProcess } = await import('../../transport/in-process/open-in-process.js')
      return probeInProcess({ ...(runtime !== undefined && { runtime }) })
    },
    openInProcess: async () => {
      const { openInProcess } = await import('../../transport/in-process/open-in-process.js')
      return openInProcess({
        registries: runtimeRegistries(registries),
        ...(root !== undefined && { root }),
        ...(runtime !== undefined && { runtime }),
        ...(trust && { settings: { trust } }),
        ...(signal && { signal })
      })
    },
    openHttp: async (place, probing) => {
      const { openHttp } = await import('../../transport/http/open-http.js')
      const linked = linkSignals(signal, probing)
      try {
        return await openHttp({ host: place.endpoint, ...(place.tls && { tls: place.tls }), signal: linked.signal })
      } finally {
        linked.release()
      }
    }
  }
}

/** Registry settings as the runtime takes them: no credentials is what it calls anonymous. */
function runtimeRegistries(registries: CheckedEngineOptions['registries']) {
  const entries = Object.entries(registries).map(([host, { auth, ...settings }]) => {
    if (auth === undefined || auth === 'anonymous') return [host, settings] as const
    // A mirror's: those of what a reference names come with the call.
    return [host, { ...settings, auth: auth === 'docker-config' ? () => findCredentials(host) : auth }] as const
  })
  return Object.fromEntries(entries)
}
