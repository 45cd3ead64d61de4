import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { EngineError } from '../errors/index.js'

/**
 * Ask whoever sits at the terminal.
 *
 * @param options - `hidden`: what is typed is not shown
 * @throws EngineError `invalid_argument` where nobody does, or they would not say
 */
export async function askFor(question: string, { hidden = false }: { readonly hidden?: boolean } = {}): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new EngineError(
      'invalid_argument',
      'Cannot perform an interactive login from a non TTY device: give --username and --password-stdin'
    )
  }
  process.stderr.write(question)
  // The echo of an answer goes where readline writes to.
  const output = hidden ? new Writable({ write: (_chunk, _encoding, done) => done() }) : process.stderr
  const lines = createInterface({ input: process.stdin, output, terminal: true })
  try {
    const ended = new Promise<never>((_resolve, reject) => {
      lines.once('close', () => reject(new EngineError('invalid_argument', 'there was no answer')))
    })
    return await Promise.race([lines.question(''), ended])
  } finally {
    lines.close()
    if (hidden) process.stderr.write('\n')
  }
}
