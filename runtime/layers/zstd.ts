import { spawn } from 'node:child_process'
import { Duplex, type Transform } from 'node:stream'
import * as zlib from 'node:zlib'
import { EngineError } from '../../src/errors/index.js'
import { archiveError } from './archive-error.js'

type FrameDecompressor = Transform & { readonly bytesWritten: number }

// In Node from 22.15 and 23.8; the types are older.
const builtIn = (zlib as { readonly createZstdDecompress?: (options: { readonly chunkSize: number }) => FrameDecompressor })
  .createZstdDecompress

/**
 * Read zstd: with Node's own zlib where it can, else with the `zstd` program.
 *
 * Without either the stream fails with EngineError `not_supported`.
 */
export function createZstdDecompress(blockBytes: number): Duplex {
  return builtIn === undefined ? zstdProgram() : allFrames(() => builtIn({ chunkSize: blockBytes }))
}

/**
 * Node's decompressor ends with the first frame whose end lies inside a chunk, and drops the rest without a word; layers often
 * have many frames. This one goes on with a new decompressor where the last one stopped.
 */
function allFrames(createDecompressor: () => FrameDecompressor): Duplex {
  let inner: FrameDecompressor | undefined

  function start(): FrameDecompressor {
    const made = createDecompressor()
    made.on('data', (block: Buffer) => {
      if (!stream.push(block)) made.pause()
    })
    made.on('error', error => stream.destroy(error))
    return made
  }

  function write(chunk: Buffer, callback: () => void): void {
    const current = inner ?? start()
    inner = current
    const before = current.bytesWritten
    const onEnd = () => {
      inner = undefined
      current.destroy()
      write(chunk.subarray(current.bytesWritten - before), callback)
    }
    current.once('end', onEnd)
    current.write(chunk, error => {
      // Where it stopped inside the chunk, it may or may not call back; the end decides.
      if (error || inner !== current || current.bytesWritten - before < chunk.length) return
      current.off('end', onEnd)
      callback()
    })
  }

  const stream = new Duplex({
    write(chunk: Buffer, _encoding, callback) {
      write(chunk, callback)
    },
    final(callback) {
      if (inner === undefined) stream.push(null)
      else inner.once('end', () => stream.push(null)).end()
      callback()
    },
    read() {
      inner?.resume()
    },
    destroy(error, callback) {
      inner?.destroy()
      callback(error)
    }
  })
  return stream
}

/** The `zstd` program as a stream. */
export function zstdProgram(program = 'zstd'): Duplex {
  const child = spawn(program, ['-dcq'], { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  let failure: Error | undefined
  child.stderr.on('data', (text: Buffer) => {
    said = (said + text.toString()).slice(-1000)
  })
  // The program may end before it has read everything; its exit code says why.
  child.stdin.on('error', () => {})
  child.on('error', cause => {
    failure = new EngineError(
      'not_supported',
      `this layer is compressed with zstd, which Node ${process.versions.node} cannot read: use Node 22.15 or later, or install the program zstd`,
      { cause }
    )
  })
  const stream = new Duplex({
    readableHighWaterMark: 1024 * 1024,
    write(chunk: Buffer, _encoding, callback) {
      if (child.stdin.write(chunk) || child.stdin.destroyed) callback()
      else {
        const proceed = () => {
          child.stdin.off('drain', proceed).off('close', proceed)
          callback()
        }
        child.stdin.on('drain', proceed).on('close', proceed)
      }
    },
    final(callback) {
      child.stdin.end()
      callback()
    },
    read() {
      child.stdout.resume()
    },
    destroy(error, callback) {
      child.kill('SIGKILL')
      callback(error)
    }
  })
  child.stdout.on('data', (block: Buffer) => {
    if (!stream.push(block)) child.stdout.pause()
  })
  child.on('close', code => {
    if (failure !== undefined) stream.destroy(failure)
    else if (code === 0) stream.push(null)
    else if (!stream.destroyed) stream.destroy(archiveError(`its zstd data is damaged (${said.trim() || `zstd exited with ${code}`})`))
  })
  return stream
}
