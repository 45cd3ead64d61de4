// npm test: installs what is missing, builds, then checks and tests everything. A fresh clone needs Node and nothing else.
// The last line of the output is `N passed, N failed, N skipped`.
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { ensureBuild } from './lib/build.mjs'
import { runChecks } from './lib/checks.mjs'
import { ensureNpmPackages } from './lib/npm-packages.mjs'
import { root } from './lib/root.mjs'
import { Tally } from './lib/tally.mjs'
import { importTypeScript } from './lib/transpile.mjs'
import { runVitest } from './lib/vitest.mjs'

/** Every how many-th file of the conformance suite goes with the integration tests. */
const conformanceShare = 6

const tally = new Tally()
try {
  await runEverything()
} catch (error) {
  console.log(error.message)
  tally.add({ name: 'preparing the tests', passed: false, seconds: 0 })
}
process.exitCode = tally.close()

async function runEverything() {
  await ensureNpmPackages(console.log)
  await reportParts()
  await ensureBuild(console.log)
  await runChecks(tally)
  const { leftoversSince, snapshotHost } = await importTypeScript('test/lab/leftovers.ts')
  const before = await snapshotHost()
  await runVitest(['unit', 'package'], tally)
  await runWithTheLab()
  reportLeftovers(await leftoversSince(before))
}

/**
 * Integration and conformance tests, in two runs side by side that take about as long as each other: they wait more than they work. Each run
 * has a lab of its own, and a leftover counts against whoever's data root it names.
 */
async function runWithTheLab() {
  const { forget, print } = await importTypeScript('test/conformance/table.ts')
  const recorded = path.join(root, '.cache', 'conformance')
  forget(recorded)
  const conformance = readdirSync(path.join(root, 'test/conformance')).filter(name => name.endsWith('.test.ts'))
  const files = conformance.map(name => `test/conformance/${name}`)
  const env = { GANTRY_CONFORMANCE_SHARED: '1' }
  const first = runVitest(['integration', 'conformance'], tally, {
    files: ['test/integration/', ...files.filter((_, index) => index % conformanceShare === 0)],
    env
  })
  const second = runVitest(['conformance'], tally, { files: files.filter((_, index) => index % conformanceShare !== 0), after: first, env })
  await Promise.all([first, second])
  print(recorded)
}

/** The programs that the lab's real registry, dockerd and images need: installed where that is possible, else said. */
async function reportParts() {
  const { findParts, parts } = await importTypeScript('test/lab/parts.ts')
  const { missing } = await findParts(Object.keys(parts))
  if (missing.length === 0) return
  for (const { part, reason } of missing) console.log(`${part}: ${reason}`)
  const packages = [...new Set(missing.map(({ part }) => parts[part].debianPackage))].join(' ')
  console.log(`Tests that need them are skipped. To run them too: sudo apt-get install -y --no-install-recommends ${packages}\n`)
}

function reportLeftovers(left) {
  for (const line of left.slice(0, 20)) console.log(`left behind: ${line}`)
  if (left.length > 20) console.log(`and ${left.length - 20} more`)
  tally.add({ name: 'nothing is left on this machine by the tests', passed: left.length === 0, seconds: 0 })
}
