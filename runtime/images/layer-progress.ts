import type { PullOptions, PullProgress } from './image-service.js'

/** Docker's own pace: more would be noise, and each event costs the caller something. */
const minimumGapMs = 100

/** Tells the caller how one layer comes along: each change of phase, and within a phase not too often. */
export class LayerProgress {
  readonly #layer: string
  readonly #totalBytes: number
  readonly #report: PullOptions['onProgress']
  #phase: PullProgress['phase'] | undefined
  #toldAt = 0
  /** Unpacking runs beside the download; it is only told of when that has ended. */
  #downloading = false

  constructor(layer: string, totalBytes: number, report: PullOptions['onProgress']) {
    this.#layer = layer
    this.#totalBytes = totalBytes
    this.#report = report
  }

  present(): void {
    this.#tell('present', this.#totalBytes)
  }

  waiting(): void {
    this.#tell('waiting', 0)
  }

  downloading(bytes: number): void {
    this.#downloading = true
    this.#tell('downloading', bytes)
  }

  downloaded(): void {
    this.#downloading = false
    this.#tell('downloaded', this.#totalBytes)
  }

  unpacking(bytes: number): void {
    if (!this.#downloading) this.#tell('unpacking', bytes)
  }

  done(): void {
    this.#tell('done', this.#totalBytes)
  }

  #tell(phase: PullProgress['phase'], currentBytes: number): void {
    if (this.#report === undefined) return
    const now = performance.now()
    if (phase === this.#phase && now - this.#toldAt < minimumGapMs) return
    this.#phase = phase
    this.#toldAt = now
    this.#report({ layer: this.#layer, phase, currentBytes, totalBytes: this.#totalBytes })
  }
}
