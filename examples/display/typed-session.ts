import { setTimeout as delay } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import type { TtyProcess } from 'gantry'

/**
 * Type lines into a container's shell as a person would, each when the prompt is there, and hand on what the terminal
 * shows, without control sequences. Resolves with the exit code.
 */
export async function typeInto(shell: TtyProcess, lines: readonly string[], show: (text: string) => void): Promise<number> {
  const left = [...lines]
  let tail = ''
  const typeNext = (): void => {
    const line = left.shift()
    tail = ''
    if (line !== undefined) shell.terminal.input.write(`${line}\r`)
  }
  for await (const chunk of chunksOrSilence(shell.terminal.output)) {
    // A prompt that looks unusual still gets its line, after a silence.
    if (chunk === undefined) {
      if (tail !== '') typeNext()
    } else {
      const text = stripVTControlCharacters(chunk).replaceAll('\r', '')
      show(text)
      tail = (tail + text).slice(-80)
      if (/[#$] $/.test(tail)) typeNext()
    }
  }
  return (await shell).exitCode
}

/** The stream's text as it comes, with `undefined` after each three seconds of silence. */
async function* chunksOrSilence(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string | undefined> {
  const decoder = new TextDecoder()
  const chunks = stream[Symbol.asyncIterator]()
  let next = chunks.next()
  for (;;) {
    const timer = new AbortController()
    const result = await Promise.race([next, delay(3000, undefined, { signal: timer.signal }).catch(() => undefined)])
    timer.abort()
    if (result === undefined) yield undefined
    else if (result.done) return
    else {
      yield decoder.decode(result.value, { stream: true })
      next = chunks.next()
    }
  }
}
