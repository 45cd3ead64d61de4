// How fast a layer is unpacked, beside `gzip -dc` and `tar -xz` of the same file: medians, and ratios within this run.
//
//   node test/bench/unpack.bench.mjs [layer.tar.gz] [rounds]
//
// Needs root. Without a layer one is made by mmdebstrap (Debian) and kept in the temporary folder for the next run. Each
// round unpacks into new folders, which are removed at the end: files made where others were just deleted cost extra on ext4.
import { execFileSync, spawnSync } from 'node:child_process'
import { createReadStream, existsSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const checkout = fileURLToPath(new URL('../../', import.meta.url))
const [layer = debianLayer(), rounds = '5'] = process.argv.slice(2)
const work = mkdtempSync(path.join(tmpdir(), 'gantry-unpack-bench-'))
const times = { 'gzip -dc': [], 'tar -xz': [], 'unpack, new process': [], 'unpack, thread is up': [] }

/** One layer in a process that has done nothing before: the start of the thread is part of it, the start of Node is not. */
const once = `
  import { createReadStream } from 'node:fs'
  import { createLayerUnpacker } from './layer-unpacker.js'
  const [layer, directory] = process.argv.slice(2)
  const start = performance.now()
  const source = createReadStream(layer, { highWaterMark: 64 * 1024 })
  await createLayerUnpacker().apply(source, { mediaType: '', directory, signal: new AbortController().signal })
  console.log(performance.now() - start)`

try {
  const { createLayerUnpacker } = await import(bundle())
  for (let round = 0; round < Number(rounds); round++) {
    times['gzip -dc'].push(await timed(() => run('gzip', ['-dc', layer])))
    times['tar -xz'].push(await timed(() => run('tar', ['-xpzf', layer, '-C', folder()])))
    times['unpack, new process'].push(Number(run(process.execPath, [path.join(work, 'once.js'), layer, folder()], 'pipe')))
    const unpacker = createLayerUnpacker()
    await unpack(unpacker, folder())
    times['unpack, thread is up'].push(await timed(() => unpack(unpacker, folder())))
    await unpacker.close()
  }
  const gzip = median(times['gzip -dc'])
  for (const [name, values] of Object.entries(times)) {
    console.log(`${name.padEnd(22)} ${median(values).toFixed(0).padStart(6)} ms   ${(median(values) / gzip).toFixed(2)} x gzip -dc`)
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}

async function timed(action) {
  const start = performance.now()
  await action()
  return performance.now() - start
}

function unpack(unpacker, directory) {
  const source = createReadStream(layer, { highWaterMark: 64 * 1024 })
  return unpacker.apply(source, {
    mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
    directory,
    signal: new AbortController().signal
  })
}

function run(program, args, stdout = openSync('/dev/null', 'w')) {
  const { status, stdout: output, error } = spawnSync(program, args, { stdio: ['ignore', stdout, 'inherit'] })
  if (error !== undefined || status !== 0) throw error ?? new Error(`${program} ended with ${status}`)
  return output?.toString()
}

function folder() {
  return mkdtempSync(path.join(work, 'root-'))
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

/** Built by itself, so that the bench needs nothing of the rest of the package. */
function bundle() {
  const entries = ['runtime/layers/layer-unpacker.ts', 'runtime/layers/unpack-thread.ts']
  const options = [
    '--bundle',
    '--platform=node',
    '--format=esm',
    '--target=node20',
    '--packages=external',
    '--log-level=error',
    `--outdir=${work}`
  ]
  execFileSync(path.join(checkout, 'node_modules/.bin/esbuild'), [...entries, ...options], { cwd: checkout, stdio: 'inherit' })
  writeFileSync(path.join(work, 'package.json'), '{"type":"module"}')
  symlinkSync(path.join(checkout, 'node_modules'), path.join(work, 'node_modules'))
  writeFileSync(path.join(work, 'once.js'), once)
  return path.join(work, 'layer-unpacker.js')
}

function debianLayer() {
  const kept = path.join(tmpdir(), 'gantry-bench', 'debian.tar.gz')
  if (existsSync(kept)) return kept
  mkdirSync(path.dirname(kept), { recursive: true })
  const part = mkdtempSync(path.join(path.dirname(kept), 'part-'))
  execFileSync('mmdebstrap', ['--variant=minbase', 'bookworm', path.join(part, 'debian.tar')], { stdio: ['ignore', 'ignore', 'inherit'] })
  execFileSync('gzip', [path.join(part, 'debian.tar')])
  renameSync(path.join(part, 'debian.tar.gz'), kept)
  rmSync(part, { recursive: true })
  return kept
}
