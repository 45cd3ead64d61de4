import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createLayerUnpacker, type LayerUnpacker } from '../../../../runtime/layers/layer-unpacker.js'
import { buildUnpackThread } from './built-thread.js'
import { rawArchive } from './tar-builder.js'
import { gzipTar, inPieces, isRoot, temporaryFolders } from './temporary-folder.js'

const folder = temporaryFolders()
const noSignal = new AbortController().signal
const open: LayerUnpacker[] = []

function unpacker(): LayerUnpacker {
  const made = createLayerUnpacker()
  open.push(made)
  return made
}

/** An archive that does not compress, so that it comes in many pieces. */
function largeArchive(files = 40): Buffer {
  const noise = (seed: number) =>
    Buffer.concat(Array.from({ length: 3200 }, (_, at) => createHash('sha256').update(`${seed} ${at}`).digest()))
  return rawArchive(...Array.from({ length: files }, (_, at) => ({ name: `d/f${at}`, data: noise(at) })))
}

const diffIdOf = (archive: Buffer) => `sha256:${createHash('sha256').update(archive).digest('hex')}`

beforeAll(() => buildUnpackThread())

afterEach(async () => {
  await Promise.all(open.splice(0).map(each => each.close()))
})

describe.skipIf(!isRoot)('createLayerUnpacker (needs root)', () => {
  it('unpacks in a thread, reports progress, and leaves the pieces it was given as they were', async () => {
    const archive = largeArchive()
    const compressed = gzipSync(archive)
    const copy = Buffer.from(compressed)
    const directory = folder()
    const progress: number[] = []
    const layer = await unpacker().apply(inPieces(compressed, 10_000), {
      mediaType: gzipTar,
      directory,
      signal: noSignal,
      onProgress: bytes => progress.push(bytes)
    })
    expect(layer).toEqual({ diffId: diffIdOf(archive), sizeBytes: 40 * 102_400 })
    expect(readdirSync(path.join(directory, 'd'))).toHaveLength(40)
    expect(progress).toHaveLength(Math.ceil(compressed.length / 10_000))
    expect(progress.at(-1)).toBe(compressed.length)
    expect(compressed.equals(copy)).toBe(true)
  })

  it('unpacks many layers at once', async () => {
    const { apply } = unpacker()
    const layers = Array.from({ length: 8 }, (_, at) => rawArchive({ name: 'f', data: `layer ${at}` }))
    const directories = layers.map(() => folder())
    const applied = await Promise.all(
      layers.map((archive, at) =>
        apply(inPieces(gzipSync(archive), 20), { mediaType: gzipTar, directory: directories[at] ?? '', signal: noSignal })
      )
    )
    expect(applied.map(layer => layer.diffId)).toEqual(layers.map(diffIdOf))
    expect(directories.map(directory => readFileSync(path.join(directory, 'f'), 'latin1'))).toEqual(layers.map((_, at) => `layer ${at}`))
  })

  it('rejects with the code of what is wrong, and stops reading the source', async () => {
    let left = false
    async function* damaged() {
      try {
        yield gzipSync(largeArchive(3)).fill(0x55, 5000, 6000)
        for (;;) {
          yield Buffer.alloc(100_000, 0x55)
          await setTimeout(1)
        }
      } finally {
        left = true
      }
    }
    const directory = folder()
    const work = unpacker().apply(damaged(), { mediaType: gzipTar, directory, signal: noSignal })
    await expect(work).rejects.toMatchObject({
      name: 'EngineError',
      code: 'data_loss',
      message: expect.stringContaining('bad layer archive')
    })
    await expect.poll(() => left).toBe(true)
  })

  it('rejects with what the source threw', async () => {
    const failure = new Error('connection reset')
    async function* failing() {
      yield gzipSync(largeArchive(3)).subarray(0, 1000)
      throw failure
    }
    await expect(unpacker().apply(failing(), { mediaType: gzipTar, directory: folder(), signal: noSignal })).rejects.toBe(failure)
  })

  it('rejects with the reason of an abort, even while the source gives nothing, and writes no more', async () => {
    const controller = new AbortController()
    async function* stuck() {
      yield gzipSync(largeArchive(20)).subarray(0, 1_000_000)
      await new Promise(() => {})
    }
    const directory = folder()
    const work = unpacker().apply(stuck(), { mediaType: gzipTar, directory, signal: controller.signal })
    await expect.poll(() => readdirSync(directory)).toEqual(['d'])
    const reason = new Error('changed my mind')
    controller.abort(reason)
    await expect(work).rejects.toBe(reason)
    const written = readdirSync(path.join(directory, 'd'))
    await setTimeout(50)
    expect(readdirSync(path.join(directory, 'd'))).toEqual(written)
  })

  it('does not start after an abort', async () => {
    const reason = new Error('too late')
    const work = unpacker().apply(inPieces(Buffer.alloc(0)), { mediaType: gzipTar, directory: folder(), signal: AbortSignal.abort(reason) })
    await expect(work).rejects.toBe(reason)
  })

  it('holds the source back while the thread is busy', async () => {
    const zeros = gzipSync(rawArchive({ name: 'f', data: Buffer.alloc(30_000_000) }), { level: 0 })
    let ahead = 0
    let most = 0
    async function* counted() {
      for await (const piece of inPieces(zeros)) {
        ahead += piece.length
        yield piece
      }
    }
    await unpacker().apply(counted(), {
      mediaType: gzipTar,
      directory: folder(),
      signal: noSignal,
      onProgress: bytes => {
        most = Math.max(most, ahead - bytes)
      }
    })
    expect(most).toBeLessThan(5_000_000)
  })

  it('goes on after a failed layer', async () => {
    const { apply } = unpacker()
    const bad = apply(inPieces(Buffer.from('no archive '.repeat(100))), { mediaType: gzipTar, directory: folder(), signal: noSignal })
    await expect(bad).rejects.toMatchObject({ code: 'data_loss' })
    const archive = rawArchive({ name: 'f' })
    const good = await apply(inPieces(gzipSync(archive)), { mediaType: gzipTar, directory: folder(), signal: noSignal })
    expect(good.diffId).toBe(diffIdOf(archive))
  })

  it('says which directory it could not write', async () => {
    const directory = path.join(folder(), 'missing')
    const work = unpacker().apply(inPieces(gzipSync(rawArchive({ name: 'f' }))), { mediaType: gzipTar, directory, signal: noSignal })
    await expect(work).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining(directory) })
  })

  it('rejects what is under way when it is closed, and everything after', async () => {
    async function* stuck() {
      yield gzipSync(largeArchive(3)).subarray(0, 1000)
      await new Promise(() => {})
    }
    const closing = createLayerUnpacker()
    const work = closing.apply(stuck(), { mediaType: gzipTar, directory: folder(), signal: noSignal })
    await setTimeout(20)
    const failed = expect(work).rejects.toMatchObject({ code: 'unavailable' })
    await Promise.all([closing.close(), closing.close()])
    await failed
    const late = closing.apply(inPieces(Buffer.alloc(0)), { mediaType: gzipTar, directory: folder(), signal: noSignal })
    await expect(late).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('lets the process end by itself while its threads are idle', () => {
    const directory = folder()
    mkdirSync(path.join(directory, 'layer'))
    const script = `
      import { createLayerUnpacker } from ${JSON.stringify(fileURLToPath(new URL('../../../../runtime/layers/layer-unpacker.ts', import.meta.url)))}
      import { gzipSync } from 'node:zlib'
      async function* source() { yield gzipSync(Buffer.alloc(1024)) }
      const layer = await createLayerUnpacker().apply(source(), { mediaType: '', directory: ${JSON.stringify(path.join(directory, 'layer'))}, signal: new AbortController().signal })
      console.log(layer.diffId)`
    const { stdout, stderr, status } = runTypeScript(script, directory)
    expect({ stdout: stdout.trim(), stderr, status }).toEqual({ stdout: diffIdOf(Buffer.alloc(1024)), stderr: '', status: 0 })
  })
})

/** Bundled first, with the thread beside it as in the published package: this Node does not run TypeScript. */
function runTypeScript(script: string, directory: string) {
  const checkout = fileURLToPath(new URL('../../../../', import.meta.url))
  const bundle = (input: string, args: readonly string[]) => {
    const options = ['--bundle', '--platform=node', '--format=esm', '--target=node20', '--packages=external', ...args]
    const built = spawnSync(path.join(checkout, 'node_modules/.bin/esbuild'), options, { input, encoding: 'utf8', cwd: checkout })
    if (built.status !== 0) throw new Error(built.stderr)
  }
  bundle(script, ['--loader=ts', `--outfile=${path.join(directory, 'main.js')}`])
  bundle('', ['runtime/layers/unpack-thread.ts', `--outfile=${path.join(directory, 'unpack-thread.js')}`])
  writeFileSync(path.join(directory, 'package.json'), '{"type":"module"}')
  return spawnSync(process.execPath, [path.join(directory, 'main.js')], { encoding: 'utf8', timeout: 20_000 })
}
