// npm run fuzz: archives made to escape, many of them. `-- --count 1 --seed S` makes one again.
import { spawnSync } from 'node:child_process'
import { ensureNpmPackages } from './lib/npm-packages.mjs'
import { node } from './lib/run-command.mjs'
import { transpile } from './lib/transpile.mjs'

await ensureNpmPackages(console.error)
const { status } = spawnSync(node, [await transpile('test/fuzz/run.ts'), ...process.argv.slice(2)], { stdio: 'inherit' })
process.exitCode = status ?? 1
