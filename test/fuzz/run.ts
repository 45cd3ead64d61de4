// npm run fuzz -- [--count N] [--seed S]: generated archives, unpacked in this process. Needs root.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.js'

const { values } = parseArgs({
  options: { count: { type: 'string', default: '100000' }, seed: { type: 'string' }, batch: { type: 'string', default: '50' } }
})
const count = Number(values.count)
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed)

if (process.getuid?.() !== 0) throw new Error('Unpacking archives takes root.')
console.log(`${count} archives from seed ${seed}`)
const begun = performance.now()
const { outcomes, failures, slowestMs } = await fuzz({ count, seed, batch: Number(values.batch) })
const seconds = (performance.now() - begun) / 1000
for (const [outcome, times] of [...outcomes].sort((a, b) => b[1] - a[1]).slice(0, 40)) console.log(`${`${times}`.padStart(8)}  ${outcome}`)
console.log(`${(count / seconds).toFixed(0)} archives per second, the slowest took ${slowestMs.ms.toFixed(0)} ms (seed ${slowestMs.seed})`)
for (const failure of failures) console.log(`\nFAILED: npm run fuzz -- --count 1 --seed ${failure.seed}\n${failure.what}`)
console.log(failures.length === 0 ? 'no archive got out of its target' : `${failures.length} failures`)
process.exitCode = failures.length === 0 ? 0 : 1
