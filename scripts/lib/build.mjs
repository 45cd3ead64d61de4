import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { root } from './root.mjs'
import { packageProgram, runCommand } from './run-command.mjs'

const sources = ['src', 'runtime', 'package.json', 'package-lock.json', 'tsup.config.ts', 'tsconfig.json']
const programs = ['index.js', 'index.cjs', 'api.js', 'api.cjs']
const types = ['index.d.ts', 'index.d.cts', 'api.d.ts', 'api.d.cts']

/**
 * Build dist, unless every file of it is newer than every source.
 *
 * @param {(line: string) => void} say
 * @param {{ withTypes?: boolean }} [options] whether the .d.ts files are needed too, which take most of the time
 */
export async function ensureBuild(say, { withTypes = true } = {}) {
  if (isFresh(withTypes ? [...programs, ...types] : programs)) return
  say('building dist')
  const { code, output } = await runCommand([...packageProgram('tsup/dist/cli-default.js'), ...(withTypes ? [] : ['--no-dts'])])
  if (code !== 0) throw new Error(`the build failed:\n${output.trimEnd()}`)
}

function isFresh(outputs) {
  const built = outputs.map(file => modified(path.join(root, 'dist', file)))
  return Math.min(...built) > Math.max(...sources.map(source => newest(path.join(root, source))))
}

function newest(file) {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (stat === undefined) return 0
  if (!stat.isDirectory()) return stat.mtimeMs
  // The folder's own time counts too: it changes when a file is deleted.
  return Math.max(stat.mtimeMs, ...readdirSync(file).map(name => newest(path.join(file, name))))
}

function modified(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY
}
