import { StringDecoder } from 'node:string_decoder'
import { EngineError } from '../../errors/index.js'

/** A process's outputs. A terminal has only the first. */
export type StreamName = 'stdout' | 'stderr'

/** Where output goes once it was asked for. */
export interface Sink {
  /** The promise, where there is one, resolves when more can be taken. */
  write(chunk: Uint8Array, stream: StreamName): Promise<void> | undefined
  end(): void
  fail(reason: unknown): void
}

interface Piece {
  readonly stream: StreamName
  readonly chunk: Uint8Array
}

/** Kept while nobody has asked for the output, so that a late reader still finds it. */
const tailBytes = 16 * 1024 ** 2

/** Kept when output is collected. */
const collectBytes = 256 * 1024 ** 2

/**
 * A process's output between the connection and whoever asks for it. See {@link ProcessBase} for the rule: what was asked for as a stream
 * goes to its sink, what was asked for as a whole is collected, and the tail of what nobody asked for is kept.
 */
export class OutputMux {
  readonly #sinks = new Map<StreamName, Sink>()
  readonly #lost = { stdout: 0, stderr: 0 }
  readonly #limits: { readonly tailBytes: number; readonly collectBytes: number }
  #held: Piece[] = []
  #heldBytes = 0
  #collecting = false
  #gate: Promise<unknown> | undefined
  #ended: { readonly failure?: { readonly reason: unknown } } | undefined

  constructor(limits = { tailBytes, collectBytes }) {
    this.#limits = limits
  }

  /** A piece of output. The promise, where there is one, resolves when more can be taken. */
  push(stream: StreamName, chunk: Uint8Array): Promise<unknown> | undefined {
    const sink = this.#sinks.get(stream)
    if (sink === undefined) {
      this.#hold(stream, chunk)
    } else {
      const room = sink.write(chunk, stream)
      if (room !== undefined) return room
    }
    const gate = this.#gate
    this.#gate = undefined
    return gate
  }

  /** No more output; with a reason, because something failed. */
  end(failure?: { readonly reason: unknown }): void {
    this.#ended ??= failure === undefined ? {} : { failure }
    for (const sink of new Set(this.#sinks.values())) this.#finish(sink)
  }

  /** Keep everything from now on, because it was asked for as a whole. */
  collect(): void {
    this.#collecting = true
  }

  /**
   * Hand some streams on, what is held of them first.
   *
   * @throws EngineError `conflict` when one of them was taken before
   */
  take(streams: readonly StreamName[], sink: Sink): void {
    for (const stream of streams) {
      if (this.#sinks.has(stream)) {
        throw new EngineError('conflict', `The process's ${stream} is being read in another way already. Ask for its output in one way`)
      }
    }
    for (const stream of streams) this.#sinks.set(stream, sink)
    const lost = this.lostBytes(streams)
    if (lost > 0) {
      sink.fail(lostError(lost))
    } else {
      for (const piece of this.#held) {
        if (streams.includes(piece.stream)) this.#gate = sink.write(piece.chunk, piece.stream) ?? this.#gate
      }
    }
    this.#held = this.#held.filter(piece => !streams.includes(piece.stream))
    this.#heldBytes = this.#held.reduce((sum, piece) => sum + piece.chunk.byteLength, 0)
    if (this.#ended !== undefined) this.#finish(sink)
  }

  /** Let go of what is to come of these streams: their reader went away. */
  discard(streams: readonly StreamName[]): void {
    for (const stream of streams) this.#sinks.set(stream, nowhere)
  }

  /** What is held of a stream, decoded. */
  text(stream: StreamName): string {
    const decoder = new StringDecoder('utf8')
    let text = ''
    // The reason for the cast: StringDecoder takes any Uint8Array, its types ask for a Buffer.
    for (const piece of this.#held) if (piece.stream === stream) text += decoder.write(piece.chunk as Buffer)
    return text + decoder.end()
  }

  /**
   * As {@link text}, where a part will not do.
   *
   * @throws EngineError `conflict` when it was taken, `data_loss` when a part was discarded
   */
  wholeText(stream: StreamName): string {
    if (this.#sinks.has(stream)) {
      throw new EngineError('conflict', `The process's ${stream} was read in another way already. Ask for its output in one way`)
    }
    if (this.#lost[stream] > 0) throw lostError(this.#lost[stream])
    return this.text(stream)
  }

  /** How much was discarded because nobody asked for it. */
  lostBytes(streams: readonly StreamName[]): number {
    return streams.reduce((sum, stream) => sum + this.#lost[stream], 0)
  }

  #hold(stream: StreamName, chunk: Uint8Array): void {
    this.#held.push({ stream, chunk })
    this.#heldBytes += chunk.byteLength
    const limit = this.#collecting ? this.#limits.collectBytes : this.#limits.tailBytes
    if (this.#heldBytes <= limit) return
    let dropped = 0
    while (this.#heldBytes > limit && dropped < this.#held.length) {
      // The reason for the cast: the index was just checked.
      const oldest = this.#held[dropped++] as Piece
      this.#heldBytes -= oldest.chunk.byteLength
      this.#lost[oldest.stream] += oldest.chunk.byteLength
    }
    this.#held.splice(0, dropped)
  }

  #finish(sink: Sink): void {
    const failure = this.#ended?.failure
    if (failure === undefined) sink.end()
    else sink.fail(failure.reason)
  }
}

const nowhere: Sink = { write: () => undefined, end: () => {}, fail: () => {} }

function lostError(bytes: number): EngineError {
  return new EngineError(
    'data_loss',
    `${bytes} bytes of output were discarded, because nobody read them in time or there was too much to keep. ` +
      'Read stdout, lines() or the process itself as it runs',
    { details: { lostBytes: bytes } }
  )
}
