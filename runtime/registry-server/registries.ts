import { randomBytes } from 'node:crypto'
import { isAbsolute } from 'node:path'
import { EngineError } from '../../src/errors/index.js'
import { openRegistry, type Registry, type RegistryOptions } from './open-registry.js'

/** A registry that an engine serves. */
export interface ServedRegistry {
  readonly id: string
  readonly address: string
  readonly storage: string
  readonly isSecure: boolean
  readonly readOnly: boolean
  readonly proxy?: string
  readonly labels: Readonly<Record<string, string>>
}

interface Entry {
  readonly served: ServedRegistry
  readonly registry: Registry
}

/** The registries of one engine. They live as long as it does, or until they are removed. */
export class Registries {
  readonly #entries = new Map<string, Entry>()
  readonly #opening = new Set<Promise<unknown>>()
  #isClosed = false

  /** @throws EngineError as {@link openRegistry}; `unavailable` when the engine is closed */
  async create(options: RegistryOptions, labels: Readonly<Record<string, string>>): Promise<ServedRegistry> {
    if (this.#isClosed) throw new EngineError('unavailable', 'the engine is closed')
    if (!isAbsolute(options.storage)) {
      throw new EngineError('invalid_argument', `Storage: ${JSON.stringify(options.storage)} is no absolute path on the engine's host`, {
        details: { field: 'Storage' }
      })
    }
    const opening = this.#open(options, labels)
    this.#opening.add(opening)
    return opening.finally(() => this.#opening.delete(opening))
  }

  list(): readonly ServedRegistry[] {
    return [...this.#entries.values()].map(({ served }) => served)
  }

  /** @throws EngineError `not_found` */
  async remove(id: string): Promise<void> {
    const entry = this.#entries.get(id)
    if (entry === undefined) throw new EngineError('not_found', `no such registry: ${id}`, { details: { registry: id } })
    await entry.registry.close()
    this.#entries.delete(id)
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#opening)
    await Promise.all([...this.#entries.values()].map(({ registry }) => registry.close()))
    this.#entries.clear()
  }

  async #open(options: RegistryOptions, labels: Readonly<Record<string, string>>): Promise<ServedRegistry> {
    const registry = await openRegistry(options)
    const served = {
      id: randomBytes(16).toString('hex'),
      address: registry.address,
      storage: registry.storage,
      isSecure: options.tls !== undefined,
      readOnly: options.readOnly ?? false,
      ...(options.proxy !== undefined && { proxy: options.proxy }),
      labels
    }
    this.#entries.set(served.id, { served, registry })
    return served
  }
}
