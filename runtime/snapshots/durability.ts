import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import type { SnapshotLayout } from './layout.js'

/** Between two syncs: they slow down whoever else writes, and the layers of an image come one right after the other. */
const pauseMs = 500

/**
 * Sees to it that committed layers reach the disk, without anybody waiting for it.
 *
 * A commit is safe against the death of any process at once. Against the loss of power it is safe once the filesystem is
 * synced, which takes as long as the disk needs for the whole layer. So that happens afterwards, in a process of its own
 * that outlives this one: `sync -f`, then a mark in each layer's directory. A layer that has no mark when the machine has
 * booted again is thrown away (sweep.ts) and pulled once more, instead of being trusted with holes in its files.
 */
export class Durability {
  readonly #layout: SnapshotLayout
  readonly #pending = new Set<string>()
  /** The last sync, until the pause after it is over. */
  #running: { readonly child: ChildProcess; readonly ended: Promise<void> } | undefined

  constructor(layout: SnapshotLayout) {
    this.#layout = layout
  }

  /** Sync these layers soon. What comes while a sync runs is done by the next one. */
  add(names: Iterable<string>): void {
    for (const name of names) this.#pending.add(name)
    if (this.#running === undefined && this.#pending.size > 0) this.#sync()
  }

  /** Sync what is left and wait for it: the disk has everything, and no process runs any more. */
  async close(): Promise<void> {
    for (;;) {
      const running = this.#running
      if (running !== undefined) {
        // What is awaited keeps the event loop alive; nothing else here does.
        running.child.ref()
        await running.ended
      }
      if (this.#pending.size === 0) return
      this.#sync()
    }
  }

  #sync(): void {
    const marks = [...this.#pending].map(name => this.#layout.syncedMark(name))
    this.#pending.clear()
    // `true` and not `:`, whose failed redirection would end the shell: a layer may be gone by now.
    const script = 'folder=$1; shift; sync -f "$folder" && for mark; do true > "$mark"; done'
    const child = spawn('sh', ['-c', script, 'sh', this.#layout.folder, ...marks], { stdio: 'ignore', detached: true, cwd: '/' })
    child.unref()
    // Where it cannot run, the layers stay without a mark: good until the next boot.
    const ended = new Promise<void>(resolve => child.once('error', () => resolve()).once('exit', () => resolve()))
    const running = { child, ended }
    this.#running = running
    void ended
      .then(() => setTimeout(pauseMs, undefined, { ref: false }))
      .then(() => {
        // `close` may have started the next one meanwhile.
        if (this.#running !== running) return
        this.#running = undefined
        this.add([])
      })
  }
}
