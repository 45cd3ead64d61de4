import type { PushProgress } from './push-options.js'

/** Docker's own pace: more would be noise, and each event costs the caller something. */
const minimumGapMs = 100

/** Tells the caller of one layer: each change of phase, and within a phase not too often. */
export class PushedLayer {
  readonly #layer: string
  readonly #totalBytes: number
  readonly #report: (progress: PushProgress) => void
  #toldAt = 0

  constructor(layer: string, totalBytes: number, report: (progress: PushProgress) => void) {
    this.#layer = layer
    this.#totalBytes = totalBytes
    this.#report = report
  }

  /** A step that has no length. */
  is(phase: Exclude<PushProgress['phase'], 'pushing'>, from?: string): void {
    const currentBytes = phase === 'pushed' || phase === 'present' || phase === 'mounted' ? this.#totalBytes : 0
    this.#report({ layer: this.#layer, phase, ...(from !== undefined && { from }), currentBytes, totalBytes: this.#totalBytes })
  }

  pushing(bytes: number): void {
    const now = performance.now()
    if (now - this.#toldAt < minimumGapMs && bytes < this.#totalBytes) return
    this.#toldAt = now
    this.#report({ layer: this.#layer, phase: 'pushing', currentBytes: Math.min(bytes, this.#totalBytes), totalBytes: this.#totalBytes })
  }
}
