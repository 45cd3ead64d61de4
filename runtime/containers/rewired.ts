import type { Hijacked } from '../../src/api/index.js'

/** A connection of which one side is another one. */
export function rewired(connection: Hijacked, sides: Partial<Pick<Hijacked, 'output' | 'write'>>): Hijacked {
  const close = () => connection.close()
  return {
    tty: connection.tty,
    output: connection.output,
    write: bytes => connection.write(bytes),
    closeWrite: () => connection.closeWrite(),
    close,
    [Symbol.asyncDispose]: close,
    ...sides
  }
}
