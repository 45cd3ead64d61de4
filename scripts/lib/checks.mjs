import { packageProgram, runCommand } from './run-command.mjs'

/** What is checked besides tests: a name for people, and the program whose exit code is the answer. */
const checks = [
  { name: 'format and lint', argv: packageProgram('@biomejs/biome/bin/biome').concat('check', '--error-on-warnings', '--colors=off', '.') },
  { name: 'types', argv: packageProgram('typescript/bin/tsc').concat('-p', '.') },
  { name: 'unused code and dependencies', argv: packageProgram('knip/bin/knip.js').concat('--no-progress') },
  { name: 'documentation builds without a warning', argv: packageProgram('typedoc/bin/typedoc') }
]

/**
 * Run every check, one after the other, each with its output only when it fails.
 *
 * @param {import('./tally.mjs').Tally} tally
 */
export async function runChecks(tally) {
  for (const check of checks) {
    const { code, output, seconds } = await runCommand(check.argv)
    tally.add({ name: check.name, passed: code === 0, seconds })
    if (code !== 0) process.stdout.write(`\n${output.trimEnd()}\n\n`)
  }
}
