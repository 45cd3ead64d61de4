// npm run soak: a layer with ten million files, unpacked and removed.
import { spawnSync } from 'node:child_process'
import { ensureNpmPackages } from './lib/npm-packages.mjs'
import { node } from './lib/run-command.mjs'
import { transpile } from './lib/transpile.mjs'

await ensureNpmPackages(console.error)
const { status } = spawnSync(node, [await transpile('test/soak/many-files.ts'), ...process.argv.slice(2)], { stdio: 'inherit' })
process.exitCode = status ?? 1
