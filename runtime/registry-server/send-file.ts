import { type FileHandle, open } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { EngineError } from '../../src/errors/index.js'
import { releaseMemory } from '../../src/util/release-memory.js'
import type { ByteRange } from './byte-range.js'

/** Bytes read and written at a time. */
const pieceBytes = 512 * 1024

/** Where to get bytes of a file that may still be growing. */
export interface FileSource {
  open(): Promise<FileHandle>
  /** Resolves when the byte at a place can be read. @returns the first place that cannot be read yet @throws where it never will be */
  readable(place: number): Promise<number>
}

/** A file that is complete. */
export function wholeFile(path: string, sizeBytes: number): FileSource {
  return { open: () => open(path, 'r'), readable: async () => sizeBytes }
}

/**
 * Send a part of a file, one piece being read while the one before is on its way. Whoever takes them slowly holds up the reading.
 *
 * @throws what reading says; when the client is gone, nothing is thrown and the rest is not read
 */
export async function sendFile(response: ServerResponse, source: FileSource, { first, last }: ByteRange): Promise<void> {
  const size = Math.min(pieceBytes, last - first + 1)
  const buffers = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)] as const
  const file = await source.open()
  let sent = Promise.resolve(true)
  try {
    for (let place = first, turn = 0; place <= last; turn ^= 1) {
      const bytes = await readPiece(file, buffers[turn as 0 | 1], { source, place, last })
      if (!(await sent)) return
      place += bytes.byteLength
      sent = write(response, bytes)
    }
    await sent
  } finally {
    // A piece that is on its way is still in its buffer.
    await sent
    await file.close()
    for (const buffer of buffers) releaseMemory(buffer.buffer)
  }
}

async function readPiece(
  file: FileHandle,
  buffer: Buffer<ArrayBuffer>,
  { source, place, last }: { readonly source: FileSource; readonly place: number; readonly last: number }
): Promise<Buffer<ArrayBuffer>> {
  const end = await source.readable(place)
  const length = Math.min(buffer.byteLength, last + 1 - place, end - place)
  const { bytesRead } = await file.read(buffer, 0, length, place)
  if (bytesRead === 0) throw new EngineError('data_loss', 'a blob is shorter than it was when it was stored')
  return buffer.subarray(0, bytesRead)
}

/** Resolves when the bytes are out of their buffer: to false when the client is gone. */
function write(response: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  if (response.destroyed || response.socket === null || response.socket.destroyed) return Promise.resolve(false)
  return new Promise(resolve => {
    const gone = (): void => resolve(false)
    response.once('close', gone)
    response.write(bytes, error => {
      response.off('close', gone)
      resolve(error === undefined || error === null)
    })
  })
}
