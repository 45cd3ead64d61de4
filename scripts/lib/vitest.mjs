import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { root } from './root.mjs'
import { packageProgram, runCommand } from './run-command.mjs'

/**
 * Run some of vitest's projects, its own report going to the terminal, and add what they came to.
 *
 * @param {readonly ('unit' | 'package' | 'integration' | 'conformance')[]} projects
 * @param {import('./tally.mjs').Tally} tally
 * @param {{ files?: readonly string[], after?: Promise<unknown>, env?: Record<string, string> }} [options] `files`: only these test files.
 *   `after`: of a run beside this one, whose report comes first
 */
export async function runVitest(projects, tally, { files = [], after, env = {} } = {}) {
  const file = path.join(root, '.cache', `tally-${projects.join('-')}.json`)
  mkdirSync(path.dirname(file), { recursive: true })
  rmSync(file, { force: true })
  const reporters = ['--reporter=default', '--reporter=./scripts/lib/tally-reporter.mjs']
  const argv = packageProgram('vitest/vitest.mjs').concat('run', ...files, ...projects.flatMap(name => ['--project', name]), ...reporters)
  const { code } = await runCommand(argv, {
    ...(after === undefined ? { show: true } : { showAfter: after }),
    env: { ...env, GANTRY_TALLY_FILE: file, ...(process.stdout.isTTY && { FORCE_COLOR: '1' }) }
  })
  const run = readTally(file)
  // Its own exit code is the second opinion: a crash before the report, or a failure the report has no entry for.
  if (code !== 0 && run.failed.length === 0) run.failed.push(`vitest (${projects.join(', ')}) ended with code ${code}`)
  tally.addRun(run)
}

function readTally(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return { passed: 0, failed: [], skipped: [] }
    throw error
  }
}
