// What starting a program costs in a Node process of some size: node test/bench/spawn.bench.mjs
// Node forks, so the price grows with the memory in use; see docs/decisions/005-cheap-starts.md.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

const rounds = 20
const held = []

for (const megabytes of [0, 100, 200]) {
  while (held.length < megabytes) held.push(Buffer.alloc(1e6, 1))
  const times = []
  for (let round = 0; round < rounds; round++) {
    const from = performance.now()
    const child = spawn('/bin/true', { stdio: 'ignore' })
    times.push(performance.now() - from)
    await once(child, 'exit')
  }
  times.sort((a, b) => a - b)
  const resident = Math.round(process.memoryUsage().rss / 1e6)
  console.log(
    `${String(resident).padStart(4)} MB resident: child_process.spawn returns after ${times[rounds / 2].toFixed(2)} ms (p50 of ${rounds})`
  )
}
