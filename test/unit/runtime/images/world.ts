import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { ContentStore } from '../../../../runtime/content/content-store.js'
import { createContentStore } from '../../../../runtime/content/file-content-store.js'
import type { Host } from '../../../../runtime/host/host.js'
import { removeTree } from '../../../../runtime/host/remove-tree.js'
import { type CollectingImageService, createImageService } from '../../../../runtime/images/create-image-service.js'
import type { ApplyLayer } from '../../../../runtime/layers/apply-layer.js'
import { openMetadataStore } from '../../../../runtime/metadata/lmdb-store.js'
import type { MetadataStore } from '../../../../runtime/metadata/metadata-store.js'
import { createRegistryClient, type RegistryClientOptions } from '../../../../runtime/registry/registry-client.js'
import type { Snapshotter } from '../../../../runtime/snapshots/snapshotter.js'
import { EngineError } from '../../../../src/errors/index.js'

/** An image service on a folder of its own: real store, metadata and registry client; layers are unpacked to one file each. */
export interface World extends AsyncDisposable {
  readonly root: string
  readonly images: CollectingImageService
  readonly content: ContentStore
  readonly metadata: MetadataStore
  readonly snapshotter: Snapshotter
  /** Chain IDs that were committed, in order. */
  readonly commits: string[]
  /** Everything there is, for "nothing is left behind". */
  inventory(): Promise<{ blobs: string[]; layers: string[]; places: string[]; records: string[] }>
}

export interface WorldOptions extends RegistryClientOptions {
  readonly unpack?: ApplyLayer
  readonly lock?: Host['lock']
  /** Where its folder is made. @default the system's for temporary files */
  readonly parent?: string
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const root = await mkdtemp(join(options.parent ?? tmpdir(), 'images-'))
  const content = await createContentStore({ root: join(root, 'content') })
  const metadata = await openMetadataStore({ path: join(root, 'meta.db') })
  const commits: string[] = []
  const snapshotter = await folderSnapshotter(join(root, 'layers'), metadata, commits)
  const registry = createRegistryClient({ retry: { baseMs: 1, maxMs: 2, attempts: 3 }, ...options })
  const images = createImageService({
    content,
    metadata,
    snapshotter,
    registry,
    unpack: options.unpack ?? gunzipLayer,
    lock: options.lock ?? memoryLocks(),
    runRoot: join(root, 'run'),
    platform: 'linux/amd64'
  })
  return {
    root,
    images,
    content,
    metadata,
    snapshotter,
    commits,
    async inventory() {
      const blobs: string[] = []
      for await (const { digest } of content.list()) blobs.push(digest)
      const tables = ['references', 'images', 'layers'] as const
      const records = [...tables.flatMap(table => metadata.list(table)), ...metadata.list('meta').filter(({ key }) => key !== 'version')]
      return {
        blobs: blobs.sort(),
        layers: metadata.list('layers').map(({ key }) => key),
        places: [...(await readdir(join(root, 'layers', 'new'))), ...(await readdir(join(root, 'content', 'ingest')))],
        records: records.map(({ key }) => key)
      }
    },
    async [Symbol.asyncDispose]() {
      await registry.close()
      await metadata.close()
      await removeTree(root)
    }
  }
}

export const emptyInventory = { blobs: [], layers: [], places: [], records: [] }

/** The contract of the snapshotter on plain folders. */
async function folderSnapshotter(root: string, metadata: MetadataStore, commits: string[]): Promise<Snapshotter> {
  await mkdir(join(root, 'new'), { recursive: true })
  const unsupported = () => Promise.reject(new Error('not needed here'))
  let count = 0
  const snapshotter: Snapshotter = {
    has: chainId => metadata.get('layers', chainId) !== undefined,
    layerSizes: () => new Map(),
    directories: () => [],
    async prepare(chainId, parent) {
      const { directory, commit, abort } = await snapshotter.prepareUnplaced()
      return { directory, abort, commit: layer => commit({ ...layer, chainId, ...(parent !== undefined && { parent }) }) }
    },
    async prepareUnplaced() {
      const directory = join(root, 'new', `${count++}`)
      await mkdir(directory)
      let open = true
      return {
        directory,
        async commit({ chainId, parent, ...layer }) {
          if (!open) throw new Error('committed or aborted before')
          if (parent !== undefined && metadata.get('layers', parent) === undefined) throw new Error(`no layer ${parent}`)
          await metadata.transaction(transaction => transaction.put('layers', chainId, { ...layer, parent }))
          await removeTree(directory)
          open = false
          commits.push(chainId)
        },
        async abort() {
          if (open) await removeTree(directory)
          open = false
        }
      }
    },
    removeLayer: chainId =>
      metadata.transaction(transaction => {
        const standing = transaction.list<{ parent?: string }>('layers').find(({ value }) => value.parent === chainId)
        const container = transaction.list<{ chainId?: string }>('containers').find(({ value }) => value.chainId === chainId)
        if (standing !== undefined || container !== undefined) throw new EngineError('conflict', `something stands on ${chainId}`)
        transaction.remove('layers', chainId)
      }),
    create: unsupported,
    remove: unsupported,
    usage: unsupported,
    mounts: () => ({ lower: [] })
  }
  return snapshotter
}

/** Reads the whole layer and writes it as one file. A broken archive is data_loss, as the contract says. */
export const gunzipLayer: ApplyLayer = async (source, { directory, signal, onProgress }) => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of source) {
    signal.throwIfAborted()
    chunks.push(Uint8Array.from(chunk))
    size += chunk.byteLength
    onProgress?.(size)
  }
  let archive: Buffer
  try {
    archive = gunzipSync(Buffer.concat(chunks))
  } catch (cause) {
    throw new EngineError('data_loss', 'the archive is malformed', { cause })
  }
  await writeFile(join(directory, 'archive'), archive)
  return { diffId: `sha256:${createHash('sha256').update(archive).digest('hex')}`, sizeBytes: archive.length }
}

/** `Host.lock` for one process. */
export function memoryLocks(): Host['lock'] {
  const tails = new Map<string, Promise<void>>()
  return async (path, { signal }) => {
    const before = tails.get(path) ?? Promise.resolve()
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    tails.set(
      path,
      before.then(() => held)
    )
    let abort = () => {}
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(signal.reason)
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
    })
    try {
      await Promise.race([before, aborted])
    } catch (error) {
      release()
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
    return { release }
  }
}
