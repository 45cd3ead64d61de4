import type { EventOf } from 'gantry'

type Progress = EventOf<'image.pull.progress'>

/** Prints numbered steps in two columns, and one line of progress that redraws itself where the output is a terminal. */
export class StepDisplay {
  readonly #out: NodeJS.WriteStream
  readonly #colour: boolean
  readonly #layers = new Map<string, Progress>()
  #bar = ''

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
    this.#colour = out.isTTY && (process.env.NO_COLOR ?? '') === ''
  }

  title(text: string): void {
    this.#line(`\n  ${this.#paint('1', text)}\n`)
  }

  /** One of the steps: its number, what it is about, and what happened. */
  step(number: number, name: string, text: string): void {
    this.#line(`  ${this.#paint('36', String(number))} ${name.padEnd(10)} ${text}`)
  }

  /** A line beside the steps. */
  note(name: string, text: string): void {
    this.#line(`  ${this.#paint('2', `  ${name.padEnd(10)} ${text}`)}`)
  }

  /** Where the container's own output begins or ends. */
  rule(): void {
    this.#line(this.#paint('2', `  ${'─'.repeat(Math.min(60, this.#columns() - 4))}`))
  }

  /** Take one layer's progress: the bar shows all of them; without a terminal, a line appears as each layer is done. */
  progress(event: Progress): void {
    const before = this.#layers.get(event.layer)
    this.#layers.set(event.layer, event)
    if (this.#out.isTTY) this.#draw()
    else if (event.phase === 'done' && before?.phase !== 'done') this.note('layer', `${short(event.layer)}  ${megabytes(event.total)}`)
  }

  /** Take the progress line away. */
  endProgress(): void {
    if (this.#bar !== '') this.#out.write('\r\x1b[K')
    this.#bar = ''
  }

  #draw(): void {
    const layers = [...this.#layers.values()]
    const total = sum(layers.map(layer => layer.total))
    // A layer that is being unpacked has been fetched: only the fetching is counted in bytes.
    const current = sum(layers.map(layer => (layer.phase === 'downloading' ? layer.current : layer.total)))
    const done = layers.filter(layer => layer.phase === 'done' || layer.phase === 'present').length
    const share = total === 0 ? 0 : current / total
    const width = Math.max(10, Math.min(32, this.#columns() - 64))
    const filled = Math.round(share * width)
    const bar = `${this.#paint('36', '█'.repeat(filled))}${this.#paint('2', '░'.repeat(width - filled))}`
    const counts = `${String(Math.floor(share * 100)).padStart(3)} %  ${megabytes(current)} of ${megabytes(total)}  ${done}/${layers.length} unpacked`
    const next = `               ${bar} ${counts}`
    if (next === this.#bar) return
    this.#bar = next
    this.#out.write(`\r${next}\x1b[K`)
  }

  #line(text: string): void {
    this.endProgress()
    this.#out.write(`${text}\n`)
  }

  #paint(code: string, text: string): string {
    return this.#colour ? `\x1b[${code}m${text}\x1b[0m` : text
  }

  #columns(): number {
    return this.#out.columns ?? 80
  }
}

/** `29.5 MB` */
export function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** The first 12 digits of a digest or an id. */
export function short(digest: string): string {
  return digest.replace('sha256:', '').slice(0, 12)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
