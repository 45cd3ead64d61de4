// npm run soak -- [--count N] [--kind files|folders] [--in FOLDER]: a layer with millions of entries, unpacked and removed. Needs root, and as many
// free inodes. Says how long it took and how much memory; fails where the memory grows with the count.
import { existsSync, mkdirSync, mkdtempSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { removeTree } from '../../runtime/host/remove-tree.js'
import { unpackLayer } from '../../runtime/layers/unpack-layer.js'
import { rawEntry, sealHeader } from '../unit/runtime/layers/tar-builder.js'

const mib = 1024 ** 2
/** What unpacking may take however many entries there are. */
const limitMib = 150
const entriesPerBlock = 1024
const sampleMs = 200

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000000' },
    kind: { type: 'string', default: 'files' },
    in: { type: 'string', default: tmpdir() }
  }
})
const count = Number(values.count)
if (process.getuid?.() !== 0) throw new Error('Unpacking layers takes root.')

/** Empty files in one folder, or folders in each other's neighbourhood. */
async function* archive(): AsyncGenerator<Buffer, void, undefined> {
  const isFolders = values.kind === 'folders'
  const template = rawEntry({ name: '', type: isFolders ? '5' : '0', mode: 0o755 })
  for (let at = 0; at < count; at += entriesPerBlock) {
    const block = Buffer.alloc(Math.min(entriesPerBlock, count - at) * template.length)
    for (let index = 0; index * template.length < block.length; index++) {
      const header = block.subarray(index * template.length, (index + 1) * template.length)
      template.copy(header)
      header.write(isFolders ? `d${at % 4096}/${at + index}` : `files/${at + index}`, 0, 'latin1')
      sealHeader(header)
    }
    yield block
    // What is measured beside it has its turn.
    await setImmediate()
  }
  yield Buffer.alloc(1024)
}

/** How much more memory the process had at most while something went on, and how long nothing else had a turn. */
async function watched<T>(
  work: () => Promise<T>
): Promise<{ readonly seconds: number; readonly mostMib: number; readonly longestMs: number }> {
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  const begun = performance.now()
  let most = before
  let longestMs = 0
  let last = begun
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss)
    longestMs = Math.max(longestMs, performance.now() - last - sampleMs)
    last = performance.now()
  }, sampleMs)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return { seconds: (performance.now() - begun) / 1000, mostMib: (Math.max(most, process.memoryUsage().rss) - before) / mib, longestMs }
}

const folder = mkdtempSync(path.join(values.in, 'gantry-soak-'))
const root = path.join(folder, 'layer')
const inodesBefore = freeInodes()
const failures: string[] = []
const tell = (what: string, { seconds, mostMib, longestMs }: Awaited<ReturnType<typeof watched>>) => {
  console.log(
    `${what}: ${seconds.toFixed(1)} s, at most ${mostMib.toFixed(0)} MiB more memory, the longest step ${longestMs.toFixed(0)} ms`
  )
  if (mostMib > limitMib) failures.push(`${what} took ${mostMib.toFixed(0)} MiB`)
}
try {
  mkdirSync(root)
  tell(`${count} ${values.kind} unpacked`, await watched(() => unpackLayer(archive(), { mediaType: '', directory: root })))
  console.log(`${inodesBefore - freeInodes()} inodes taken`)
} finally {
  tell('removed', await watched(() => removeTree(folder)))
}
console.log(`${inodesBefore - freeInodes()} inodes left, the folder ${existsSync(folder) ? 'too' : 'gone'}`)
for (const failure of failures) console.log(`FAILED: ${failure}, and ${limitMib} MiB is what it may`)
process.exitCode = failures.length === 0 ? 0 : 1

function freeInodes(): number {
  return statfsSync(values.in).ffree
}
