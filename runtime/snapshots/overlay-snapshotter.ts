import { chmodSync, chownSync, lstatSync, mkdirSync, renameSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../src/errors/index.js'
import { crashPoint } from '../../src/util/crash-point.js'
import type { OverlayMount } from '../host/host.js'
import { libcFiles } from '../host/libc-files.js'
import { currentProcess } from '../host/process-identity.js'
import { removeTree } from '../host/remove-tree.js'
import { Trash } from '../host/trash.js'
import type { MetadataStore, Transaction } from '../metadata/metadata-store.js'
import { Durability } from './durability.js'
import {
  allLayers,
  type CommittedLayer,
  chainOf,
  committedLayer,
  existingWritableLayer,
  type LayerBase,
  missingLayer,
  standingOn,
  takeNumber,
  type WritableLayer,
  writableKey,
  writableLayer
} from './layer-records.js'
import { layerName, type SnapshotLayout, snapshotLayout } from './layout.js'
import type { PreparedLayer, Snapshotter, UnplacedLayer } from './snapshotter.js'
import { sweepSnapshots, unsyncedLayers } from './sweep.js'
import { treeUsage } from './tree-usage.js'

/** A snapshotter that holds something: a sync of the disk may be under way. */
export interface OpenSnapshotter extends Snapshotter {
  /** Wait until the disk has every layer that was committed and none that was removed. Idempotent. */
  close(): Promise<void>
}

/**
 * Layers as directories for overlayfs, below `root/snapshots` (layout.ts), their records in the metadata store. Safe for several
 * processes at once; opening it cleans up what killed ones left.
 */
export async function createSnapshotter(options: { readonly root: string; readonly metadata: MetadataStore }): Promise<OpenSnapshotter> {
  const { metadata } = options
  const layout = snapshotLayout(options.root)
  await mkdir(layout.temporaryFolder, { recursive: true, mode: 0o700 })
  const boot = currentProcess().startTime.split('@')[1] ?? ''
  await sweepSnapshots(layout, metadata, boot)
  const durability = new Durability(layout)
  durability.add(unsyncedLayers(layout, metadata))
  return new OverlaySnapshotter({ layout, metadata, boot, durability })
}

interface SnapshotterParts {
  readonly layout: SnapshotLayout
  readonly metadata: MetadataStore
  readonly boot: string
  readonly durability: Durability
}

class OverlaySnapshotter implements OpenSnapshotter {
  readonly #layout: SnapshotLayout
  readonly #metadata: MetadataStore
  readonly #boot: string
  readonly #durability: Durability
  readonly #trash: Trash

  constructor({ layout, metadata, boot, durability }: SnapshotterParts) {
    this.#layout = layout
    this.#metadata = metadata
    this.#boot = boot
    this.#durability = durability
    this.#trash = new Trash(layout.temporaryFolder)
  }

  has(chainId: string): boolean {
    return committedLayer(this.#metadata, chainId) !== undefined
  }

  layerSizes(): ReadonlyMap<string, { readonly sizeBytes: number; readonly parent?: string }> {
    return new Map(allLayers(this.#metadata).flatMap(({ key, value }) => (value.kind === 'committed' ? [[key, value] as const] : [])))
  }

  directories(chainId: string): readonly string[] {
    return chainOf(this.#metadata, chainId).map(layer => this.#layout.files(layer.name))
  }

  async prepare(chainId: string, parent?: string): Promise<PreparedLayer> {
    const { directory, commit, abort } = await this.prepareUnplaced()
    return { directory, abort, commit: record => commit({ ...record, chainId, ...(parent !== undefined && { parent }) }) }
  }

  async prepareUnplaced(): Promise<UnplacedLayer> {
    const temporary = this.#makeTemporary('layer')
    crashPoint('layer.prepared')
    let isOver = false
    return {
      directory: join(temporary, 'fs'),
      commit: async ({ chainId, ...record }) => {
        if (isOver) throw new EngineError('internal', `layer ${chainId} was committed or thrown away before`)
        isOver = true
        await this.#commit(temporary, chainId, record)
      },
      abort: async () => {
        if (isOver) return
        isOver = true
        await removeTree(temporary)
      }
    }
  }

  async create(id: string, base: LayerBase | undefined): Promise<void> {
    const temporary = this.#makeTemporary('writable')
    try {
      const lower = this.#lowerOf(base)
      if (lower[0] !== undefined) copyRootAttributes(lower[0], join(temporary, 'fs'))
      await this.#metadata.transaction(transaction => {
        if (writableLayer(transaction, id) !== undefined)
          throw new EngineError('already_exists', `there is a read-write layer ${id} already`)
        // Looked up again: nobody can remove it any more once this transaction is through.
        if (base !== undefined && 'chainId' in base && committedLayer(transaction, base.chainId) === undefined)
          throw missingLayer(base.chainId)
        const name = this.#place(transaction, temporary)
        transaction.put<WritableLayer>('layers', writableKey(id), { kind: 'writable', name, base: base ?? { directories: [] } })
      })
    } catch (error) {
      await removeTree(temporary)
      throw error
    }
  }

  mounts(id: string): OverlayMount {
    const { name, base } = existingWritableLayer(this.#metadata, id)
    return { lower: this.#lowerOf(base), upper: this.#layout.files(name), work: this.#layout.work(name) }
  }

  async remove(id: string): Promise<void> {
    await this.#removeRecord(writableKey(id), transaction => writableLayer(transaction, id))
  }

  async removeLayer(chainId: string): Promise<void> {
    await this.#removeRecord(chainId, transaction => {
      const users = standingOn(transaction, chainId)
      if (users.length > 0) {
        throw new EngineError(
          'conflict',
          `layer ${chainId} is in use: ${users.join(', ')} ${users.length === 1 ? 'stands' : 'stand'} on it`,
          {
            details: { chainId, users }
          }
        )
      }
      return committedLayer(transaction, chainId)
    })
  }

  async usage(id: string): Promise<number> {
    return treeUsage(this.#layout.files(existingWritableLayer(this.#metadata, id).name))
  }

  async close(): Promise<void> {
    await Promise.all([this.#durability.close(), this.#trash.close()])
  }

  /** The first to come wins, the others have what they wanted as well. */
  async #commit(temporary: string, chainId: string, layer: Pick<CommittedLayer, 'diffId' | 'sizeBytes' | 'parent'>): Promise<void> {
    let name: string | undefined
    try {
      const opaque = isOpaque(join(temporary, 'fs'))
      name = await this.#metadata.transaction(transaction => {
        if (committedLayer(transaction, chainId) !== undefined) return undefined
        if (layer.parent !== undefined && committedLayer(transaction, layer.parent) === undefined) throw missingLayer(layer.parent)
        const placed = this.#place(transaction, temporary)
        const { diffId, sizeBytes } = layer
        transaction.put<CommittedLayer>('layers', chainId, {
          kind: 'committed',
          name: placed,
          diffId,
          sizeBytes,
          boot: this.#boot,
          ...(layer.parent !== undefined && { parent: layer.parent }),
          ...(opaque && { opaque })
        })
        crashPoint('layer.recorded')
        return placed
      })
    } finally {
      if (name === undefined) await removeTree(temporary)
    }
    crashPoint('layer.committed')
    if (name !== undefined) this.#durability.add([name])
  }

  async #removeRecord(key: string, find: (transaction: Transaction) => CommittedLayer | WritableLayer | undefined): Promise<void> {
    const name = await this.#metadata.transaction(transaction => {
      const record = find(transaction)
      if (record !== undefined) transaction.remove('layers', key)
      return record?.name
    })
    crashPoint('layer.unrecorded')
    // Without its record the directory is nothing: killed here, the next open takes it away.
    // Moved, nobody who knows the path (a sync that wants to leave its mark) writes into what is being removed.
    if (name !== undefined) this.#trash.take(this.#layout.directory(name))
    crashPoint('layer.thrown-away')
  }

  #lowerOf(base: LayerBase | undefined): readonly string[] {
    if (base === undefined) return []
    if ('directories' in base) return base.directories
    return this.directories(base.chainId)
  }

  #makeTemporary(kind: 'layer' | 'writable'): string {
    const directory = this.#layout.temporaryDirectory()
    mkdirSync(directory, { mode: 0o700 })
    mkdirSync(join(directory, 'fs'))
    // The umask had its say.
    chmodSync(join(directory, 'fs'), 0o755)
    if (kind === 'writable') mkdirSync(join(directory, 'work'), { mode: 0o700 })
    return directory
  }

  /** Give a temporary directory its place, inside the transaction that writes its record: see the sweep. */
  #place(transaction: Transaction, temporary: string): string {
    const name = layerName(takeNumber(transaction))
    renameSync(temporary, this.#layout.directory(name))
    crashPoint('layer.placed')
    return name
  }
}

/** The root of a mount has the owner and mode of its topmost layer's root. */
function copyRootAttributes(from: string, to: string): void {
  const { uid, gid, mode } = lstatSync(from)
  chownSync(to, uid, gid)
  chmodSync(to, mode & 0o7777)
}

function isOpaque(directory: string): boolean {
  const value = libcFiles().getAttribute(Buffer.from(directory), 'trusted.overlay.opaque')
  return value !== undefined && Buffer.from(value).toString('latin1') === 'y'
}
