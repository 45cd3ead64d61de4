import { readFileSync } from 'node:fs'
import path from 'node:path'
import { root } from './root.mjs'
import { node, runCommand } from './run-command.mjs'

/**
 * Bring node_modules to what package-lock.json says, when it is not that already. Works before there is a node_modules:
 * nothing but Node and the npm that comes with it is needed.
 *
 * Install scripts stay off: every binary we use (esbuild, lmdb, koffi) is inside its package, and nothing else on a fresh
 * machine could compile one.
 *
 * @param {(line: string) => void} say
 */
export async function ensureNpmPackages(say) {
  const reason = differs()
  if (reason === undefined) return
  say(`npm packages: ${reason}, installing`)
  // npm says where it is to the scripts it runs; through Node it starts the same way on every system.
  const npm = process.env.npm_execpath === undefined ? ['npm'] : [node, process.env.npm_execpath]
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  let result = await runCommand([...npm, 'ci', ...options])
  // Where a registry does not have a package for some other platform, npm writes a lock file without it, which npm ci then
  // refuses and npm install does not.
  if (result.code !== 0 && result.output.includes('EUSAGE')) result = await runCommand([...npm, 'install', ...options])
  if (result.code !== 0) throw new Error(`npm could not install the packages (code ${result.code}):\n${result.output.trimEnd()}`)
  const still = differs()
  if (still !== undefined) throw new Error(`npm succeeded, yet ${still}: is another install running in this folder?`)
}

/**
 * Contents are compared, not file times: git gives a checkout's files the time of the checkout. npm keeps beside the
 * packages a copy of the lock file of what is really there; packages for other platforms are missing from it, rightly.
 */
function differs() {
  const wanted = readJson('package-lock.json')
  if (wanted === undefined) return undefined
  const present = readJson('node_modules/.package-lock.json')
  if (present === undefined) return 'none are installed'
  for (const [folder, entry] of Object.entries(wanted.packages)) {
    if (folder === '' || entry.link === true) continue
    const there = present.packages[folder]
    if (there === undefined ? entry.optional !== true && entry.peer !== true : there.version !== entry.version) {
      return `${folder.slice('node_modules/'.length)} ${entry.version} is ${there === undefined ? 'missing' : `there as ${there.version}`}`
    }
  }
  return undefined
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(path.join(root, file), 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
