import { execFileSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const sources = ['runtime/layers', 'runtime/host', 'src/util', 'src/errors']

/** Threads run from the build: make that one file where it is missing or older than its sources. */
export function buildUnpackThread(): void {
  const built = statSync(path.join(root, 'dist/unpack-thread.js'), { throwIfNoEntry: false })
  if (built !== undefined && built.mtimeMs > newestSource()) return
  const tsup = path.join(root, 'node_modules/tsup/dist/cli-default.js')
  const entry = ['--entry.unpack-thread', 'runtime/layers/unpack-thread.ts']
  const options = ['--no-config', '--format', 'esm', '--target', 'node20', '--platform', 'node', '-d', 'dist', '--external', 'koffi']
  execFileSync(process.execPath, [tsup, ...entry, ...options], { cwd: root, stdio: 'pipe' })
}

function newestSource(): number {
  const times = sources.flatMap(folder => {
    const directory = path.join(root, folder)
    return readdirSync(directory).map(name => statSync(path.join(directory, name)).mtimeMs)
  })
  return Math.max(...times)
}
