import { existsSync, renameSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from '../host/remove-tree.js'
import { errnoOf } from '../host/system-call-error.js'
import { isOwnedTemporary } from '../host/temporary-name.js'
import type { MetadataStore } from '../metadata/metadata-store.js'
import { allLayers, type CommittedLayer, type LayerRow, type RecordReader } from './layer-records.js'
import { isLayerName, type SnapshotLayout } from './layout.js'

/**
 * Clean up what killed processes left: temporary directories nobody owns, layers without a record, and records of layers
 * that a loss of power may have damaged. Never touches what another living process works on.
 */
export async function sweepSnapshots(layout: SnapshotLayout, metadata: MetadataStore, boot: string): Promise<void> {
  await dropUnsynced(layout, metadata, boot)
  await takeAwayStrays(layout, metadata)
  for (const name of await readdir(layout.temporaryFolder)) {
    if (!isOwnedTemporary(name)) await removeTree(join(layout.temporaryFolder, name))
  }
}

/** Committed layers of this boot that have no mark yet: whoever was to make it may be gone. */
export function unsyncedLayers(layout: SnapshotLayout, reader: RecordReader): readonly string[] {
  return committed(reader)
    .map(({ value }) => value.name)
    .filter(name => !existsSync(layout.syncedMark(name)))
}

async function dropUnsynced(layout: SnapshotLayout, metadata: MetadataStore, boot: string): Promise<void> {
  const isLost = ({ value }: CommittedRow) => value.boot !== boot && !existsSync(layout.syncedMark(value.name))
  if (!committed(metadata).some(isLost)) return
  await metadata.transaction(transaction => {
    const rows = committed(transaction)
    const lost = new Set(rows.filter(isLost).map(row => row.key))
    // What stands on a lost layer cannot be mounted either. Parents come before children only by chance: go on until nothing changes.
    for (let before = -1; before !== lost.size; ) {
      before = lost.size
      for (const { key, value } of rows) if (value.parent !== undefined && lost.has(value.parent)) lost.add(key)
    }
    for (const key of lost) transaction.remove('layers', key)
  })
}

async function takeAwayStrays(layout: SnapshotLayout, metadata: MetadataStore): Promise<void> {
  const names = (await readdir(layout.folder)).filter(isLayerName)
  const strays = (reader: RecordReader): readonly string[] => {
    const known = new Set(allLayers(reader).map(row => row.value.name))
    return names.filter(name => !known.has(name))
  }
  if (strays(metadata).length === 0) return
  const taken = await metadata.transaction(transaction =>
    // A commit renames and writes its record inside one transaction: only in here a directory without a record is a stray.
    strays(transaction).map(name => {
      const temporary = layout.temporaryDirectory()
      moveIfThere(layout.directory(name), temporary)
      return temporary
    })
  )
  for (const directory of taken) await removeTree(directory)
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    // Whoever removed its record has just moved the directory itself.
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}

interface CommittedRow {
  readonly key: string
  readonly value: CommittedLayer
}

function committed(reader: RecordReader): readonly CommittedRow[] {
  return allLayers(reader).filter((row: LayerRow): row is CommittedRow => row.value.kind === 'committed')
}
