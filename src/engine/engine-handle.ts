import type { Readable } from 'node:stream'
import { hostImageReference } from '../api/host-image.js'
import { ContainerList, ImageList, SystemInfo, SystemVersion } from '../api/index.js'
import type { InputOf, Operation, OutputOf } from '../api/operation.js'
import { EngineError } from '../errors/index.js'
import type { ListenOptions, Transport, TransportKind } from '../transport/transport.js'
import { checkAbortable, openCallScope } from './call-scope.js'
import { checkBoolean, checkKeys, checkString, checkTexts, optional } from './checks.js'
import { ContainerHandle, openContainer, plainName } from './containers/container-handle.js'
import { removeForGood } from './containers/create-container.js'
import { call, callWith, type EngineContext } from './context.js'
import type {
  Candidate,
  Capabilities,
  ContainerFilter,
  Engine,
  EngineInfo,
  EventFilter,
  ImageFilter,
  Listener,
  PruneOptions,
  RegistryOptions
} from './engine.js'
import type { EngineEvent } from './events/engine-event.js'
import { EventHub } from './events/event-hub.js'
import { eventStream } from './events/event-stream.js'
import { LiveEmitter, tell } from './events/live-emitter.js'
import type { Task } from './events/task.js'
import type { Container, Image, ImageSpec } from './handles.js'
import { importVerb, loadVerb } from './images/archive-verbs.js'
import type { ImportOptions } from './images/image.js'
import { ImageHandle } from './images/image-handle.js'
import { ImageSpecHandle } from './images/image-spec-handle.js'
import type { Network, NetworkOptions } from './networks/network.js'
import { createNetwork, removeNetwork } from './networks/network-handle.js'
import { pruneVerb } from './prune.js'
import { createRegistry, removeRegistry } from './registries/registry-handle.js'
import type { RegistryServer, RegistryServerOptions } from './registries/registry-server.js'
import { type LeftBehind, type Made, Session } from './session.js'
import type { Abortable } from './values.js'
import type { Volume, VolumeOptions } from './volumes/volume.js'
import { createVolume, removeVolume } from './volumes/volume-handle.js'

/** What an engine is made of. */
export interface EngineParts {
  readonly transport: Transport
  readonly candidates: readonly Candidate[]
  readonly capabilities: Capabilities
  readonly registries: Readonly<Record<string, RegistryOptions>>
}

/** What a scope has of the engine it is of. */
interface ScopeOf {
  readonly hub: EventHub
  /** Tells the engine that the scope is over. */
  onClose(): void
}

/** An engine over a transport. */
export class EngineHandle extends LiveEmitter implements Engine {
  readonly can: Capabilities
  readonly raw: Engine['raw']
  readonly #context: EngineContext
  readonly #hub: EventHub
  readonly #candidates: readonly Candidate[]
  readonly #parts: EngineParts
  readonly #scopeOf: ScopeOf | undefined
  readonly #scopes = new Set<EngineHandle>()
  #closed: Promise<void> | undefined

  constructor(parts: EngineParts, scopeOf?: ScopeOf) {
    const hub = scopeOf?.hub ?? new EventHub()
    super(hub, () => true)
    const announce = (event: EngineEvent): void => tell(this, event)
    const { transport, registries } = parts
    const imageOf: EngineContext['imageOf'] = (spec, facts) => new ImageHandle(this.#context, spec, facts)
    this.#context = { transport, registries, session: new Session(transport.reach), events: hub, announce, imageOf }
    this.#hub = hub
    if (scopeOf === undefined) hub.connect(this.#context)
    this.#parts = parts
    this.#scopeOf = scopeOf
    this.can = parts.capabilities
    this.#candidates = parts.candidates
    this.raw = Object.freeze({
      call: <Op extends Operation>(operation: Op, input: InputOf<Op>, options: Abortable = {}) => this.#raw(operation, input, options)
    })
  }

  get transport(): TransportKind {
    return this.#context.transport.kind
  }

  explain(): readonly Candidate[] {
    return this.#candidates
  }

  async info(options: Abortable = {}): Promise<EngineInfo> {
    const limits = checkAbortable('info', checkKeys('info', options, ['signal', 'timeout']))
    const [version, info] = await Promise.all([call(this.#context, SystemVersion, {}, limits), call(this.#context, SystemInfo, {}, limits)])
    return {
      version: version.Version ?? '',
      apiVersion: this.#context.transport.apiVersion,
      os: version.Os ?? '',
      arch: version.Arch ?? '',
      cpus: info.NCPU ?? 0,
      memoryBytes: info.MemTotal ?? 0
    }
  }

  image(reference: string): ImageSpec {
    return new ImageSpecHandle(this.#context, { reference: checkString('image', reference, 'an image reference as text') })
  }

  hostImage(): ImageSpec {
    if (this.transport !== 'in-process') {
      throw new EngineError(
        'not_supported',
        `hostImage() is this machine's root file system, and the engine is ${this.#context.transport.endpoint}. ` +
          "Use createEngine({ transport: 'in-process' }), or engine.image()"
      )
    }
    return new ImageSpecHandle(this.#context, { reference: hostImageReference })
  }

  async *images(filter: ImageFilter = {}): AsyncGenerator<Image, void, undefined> {
    const given = checkKeys('images', filter, ['reference', 'dangling', 'label'])
    const reference = optional(checkString, 'images.reference', given.reference)
    const dangling = optional(checkBoolean, 'images.dangling', given.dangling)
    const filters = {
      ...(reference !== undefined && { reference: [reference] }),
      ...(dangling !== undefined && { dangling: [String(dangling)] }),
      ...labelFilter('images.label', given.label)
    }
    for (const image of await call(this.#context, ImageList, { query: { filters } })) {
      yield new ImageHandle(this.#context, { reference: image.RepoTags?.find(tag => tag !== '<none>:<none>') ?? image.Id }, image)
    }
  }

  load(archive: string | Readable, options: Abortable = {}): Task<Image[]> {
    return loadVerb(this.#context, archive, options)
  }

  async import(archive: string | Readable, reference?: string, options: ImportOptions = {}): Promise<Image> {
    return await importVerb(this.#context, archive, reference, options)
  }

  container(idOrName: string): Promise<Container> {
    return openContainer(this.#context, checkString('container', idOrName, 'an id or a name as text'))
  }

  async *containers(filter: ContainerFilter = {}): AsyncGenerator<Container, void, undefined> {
    const given = checkKeys('containers', filter, ['all', 'label', 'status', 'name'])
    const status = optional(checkString, 'containers.status', given.status)
    const name = optional(checkString, 'containers.name', given.name)
    const all = optional(checkBoolean, 'containers.all', given.all) ?? status !== undefined
    const filters = {
      ...(status !== undefined && { status: [status] }),
      ...(name !== undefined && { name: [name] }),
      ...labelFilter('containers.label', given.label)
    }
    for (const container of await call(this.#context, ContainerList, { query: { all, filters } })) {
      yield new ContainerHandle(this.#context, { id: container.Id, name: plainName(ownName(container.Names)) })
    }
  }

  events(filter: EventFilter = {}): AsyncIterable<EngineEvent> {
    return eventStream(this.#context, filter)
  }

  async listen(address: string, options: ListenOptions = {}): Promise<Listener> {
    const { transport } = this.#context
    if (transport.listen === undefined) {
      throw new EngineError(
        'not_supported',
        `listen() serves the engine of this process, and the engine is ${transport.endpoint}. Use createEngine({ transport: 'in-process' })`
      )
    }
    const listener = await transport.listen(checkString('listen', address, 'an address as text'), checkListenOptions(options))
    const close = (): Promise<void> => listener.close()
    return { address: listener.address, close, [Symbol.asyncDispose]: close }
  }

  network(name?: string, options: NetworkOptions = {}): Promise<Network> {
    return createNetwork(this.#context, name, options)
  }

  volume(name?: string, options: VolumeOptions = {}): Promise<Volume> {
    return createVolume(this.#context, name, options)
  }

  registry(options: RegistryServerOptions = {}): Promise<RegistryServer> {
    return createRegistry(this.#context, options)
  }

  prune(options: PruneOptions = {}): Promise<{ readonly reclaimedBytes: number }> {
    return pruneVerb(this.#context, options)
  }

  scope(): Engine {
    if (this.#closed !== undefined) throw new EngineError('unavailable', 'The engine was closed. Make another one with createEngine()')
    const scope: EngineHandle = new EngineHandle(this.#parts, { hub: this.#hub, onClose: () => this.#scopes.delete(scope) })
    this.#scopes.add(scope)
    return scope
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    const context = this.#context
    const scopes = await Promise.allSettled([...this.#scopes].map(scope => scope.close()))
    const left = await context.session.end(made => removeMade(context, made))
    if (this.#scopeOf === undefined) {
      this.#hub.close()
      await context.transport.close()
    } else {
      this.removeAllListeners()
      this.#scopeOf.onClose()
    }
    const failed = scopes.find(scope => scope.status === 'rejected')
    if (failed !== undefined && left.length === 0) throw failed.reason
    if (left.length > 0) throw leftBehindError(left)
  }

  async #raw<Op extends Operation>(operation: Op, input: InputOf<Op>, options: Abortable): Promise<OutputOf<Op>> {
    const limits = checkAbortable('raw.call', checkKeys('raw.call', options, ['signal', 'timeout']))
    const { closing } = this.#context.session
    if (streamed.has(operation.response) && limits.timeoutMs === undefined) {
      // What is streamed outlives the call, and nobody says when it ends: this kind of signal is let go of with the stream itself.
      const signal = limits.signal === undefined ? closing : AbortSignal.any([closing, limits.signal])
      return callWith(this.#context, operation, input, { signal })
    }
    const scope = openCallScope(operation.id, limits, closing)
    const call = callWith(this.#context, operation, input, { signal: scope.signal })
    call.then(streamed.has(operation.response) ? undefined : scope.release, scope.release)
    return call
  }
}

async function removeMade(context: EngineContext, { kind, id }: Made): Promise<void> {
  if (kind === 'container') await removeForGood(context, id)
  else if (kind === 'network') await removeNetwork(context, id)
  else if (kind === 'volume') await removeVolume(context, id)
  else await removeRegistry(context, id)
}

function leftBehindError(left: readonly LeftBehind[]): EngineError {
  const [first] = left
  return new EngineError(
    'failed',
    `${left.length} of what this engine made could not be removed: ${left.map(({ kind, id }) => `${kind} ${id.slice(0, 12)}`).join(', ')}. ` +
      `The first error: ${first?.error instanceof Error ? first.error.message : String(first?.error)}`,
    { details: { failures: left }, cause: first?.error }
  )
}

function checkListenOptions(options: unknown): ListenOptions {
  const given = checkKeys('listen', options, ['tls', 'withoutAuthentication', 'group', 'log'])
  const withoutAuthentication = optional(checkBoolean, 'listen.withoutAuthentication', given.withoutAuthentication)
  const group = optional(checkString, 'listen.group', given.group)
  const tls = optional(checkServerTls, 'listen.tls', given.tls)
  if (given.log !== undefined && typeof given.log !== 'function') throw new EngineError('invalid_argument', 'listen.log must be a function')
  return {
    ...(tls && { tls }),
    ...(withoutAuthentication !== undefined && { withoutAuthentication }),
    ...(group !== undefined && { group }),
    // Checked above.
    ...(given.log !== undefined && { log: given.log as (line: string) => void })
  }
}

function checkServerTls(path: string, value: unknown): NonNullable<ListenOptions['tls']> {
  const given = checkKeys(path, value, ['ca', 'cert', 'key'])
  const read = (field: 'ca' | 'cert' | 'key') => checkString(`${path}.${field}`, given[field], 'a path or PEM text')
  return { ca: read('ca'), cert: read('cert'), key: read('key') }
}

const streamed: ReadonlySet<Operation['response']> = new Set<Operation['response']>(['json-lines', 'tar', 'frames', 'hijack'])

function labelFilter(path: string, labels: unknown): { readonly label?: readonly string[] } {
  if (labels === undefined) return {}
  const entries = Object.entries(checkTexts(path, labels))
  return { label: entries.map(([name, value]) => (value === '' ? name : `${name}=${value}`)) }
}

/** A container that others link to has their names for it as well, with a second slash. */
function ownName(names: readonly string[]): string {
  return names.find(name => name.lastIndexOf('/') === 0) ?? names[0] ?? ''
}
