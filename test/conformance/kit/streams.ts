import { createHash } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

/** Far more than anything here takes: it turns what would hang into a failure that says where. */
const patienceMs = 30_000

/** What a stream has given so far, as text, with a way to wait for more. */
export class Transcript {
  text = ''
  #ended = false

  constructor(source: Readable) {
    source.on('data', (chunk: Buffer | string) => {
      this.text += chunk.toString()
    })
    source.on('close', () => {
      this.#ended = true
    })
  }

  /** Wait until it matches. Fails when the stream ends before that. */
  async until(pattern: RegExp): Promise<RegExpMatchArray> {
    const deadline = Date.now() + patienceMs
    for (;;) {
      const match = this.text.match(pattern)
      if (match) return match
      if (this.#ended || Date.now() > deadline) throw new Error(`No more output, and none with ${pattern}: ${JSON.stringify(this.text)}`)
      await delay(10)
    }
  }
}

/** Write all of it, as fast as the other side takes it, and end. */
export async function writeAll(target: Writable, data: Uint8Array, chunkBytes = 65_536): Promise<void> {
  for (let offset = 0; offset < data.length; offset += chunkBytes) {
    if (!target.write(data.subarray(offset, offset + chunkBytes))) await new Promise(resolve => target.once('drain', resolve))
  }
  await new Promise<void>(resolve => target.end(resolve))
}

/** Length and digest of everything a stream gives. */
export async function digestStream(source: AsyncIterable<unknown>): Promise<{ readonly length: number; readonly sha256: string }> {
  const hash = createHash('sha256')
  let length = 0
  for await (const chunk of source) {
    const bytes = chunk as Uint8Array // a byte stream without an encoding gives buffers
    hash.update(bytes)
    length += bytes.length
  }
  return { length, sha256: hash.digest('hex') }
}

/** Ask again until it is so. */
export async function eventually<T>(ask: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (Date.now() > deadline) throw new Error(`It did not come true: ${ask}`)
    await delay(20)
  }
}

/** The items of an iterable. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
