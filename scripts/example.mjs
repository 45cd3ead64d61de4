// npm run example -- NAME [argument ...]: run examples/NAME.ts against the built package.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { ensureBuild } from './lib/build.mjs'
import { ensureNpmPackages } from './lib/npm-packages.mjs'
import { root } from './lib/root.mjs'
import { transpile } from './lib/transpile.mjs'

const [name, ...rest] = process.argv.slice(2)
if (name === undefined || !existsSync(path.join(root, 'examples', `${name}.ts`))) {
  const names = readdirSync(path.join(root, 'examples')).filter(file => file.endsWith('.ts'))
  console.error(`npm run example -- NAME [argument ...], where NAME is one of ${names.map(file => file.slice(0, -3)).join(', ')}`)
  process.exit(2)
}

await ensureNpmPackages(console.error)
await ensureBuild(console.error, { withTypes: false })
// A process of its own: a signal from the terminal, the exit code and stdin are the example's alone.
const { status } = spawnSync(process.execPath, [await transpile(`examples/${name}.ts`), ...rest], { stdio: 'inherit' })
process.exitCode = status ?? 1
