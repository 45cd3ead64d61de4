// Run programs in containers and work with what they print.
//
//   node run-and-capture.js [image]
import { createEngine, ExitError } from 'gantry'
import { z } from 'zod'

const reference = process.argv[2] ?? 'alpine'

await using engine = await createEngine()
const image = engine.image(reference)

// docker run --rm alpine uname -m
const machine = await image.run(['uname', '-m'], { remove: true }).text()
console.log(`machine: ${machine.trim()}`)

// Line by line, while the program runs.
for await (const line of image.run(['sh', '-c', 'for n in 1 2 3; do echo line $n; done'], { remove: true }).lines()) {
  console.log(line)
}

// JSON, checked by a schema on the way in.
const printed = image.run(['echo', '{ "name": "gantry", "containers": 1 }'], { remove: true })
const answer = await printed.json(z.object({ name: z.string(), containers: z.number() }))
console.log(`json: ${answer.name}, ${answer.containers}`)

// Any exit code is a result ...
const { exitCode, stdout, stderr } = await image.run(['sh', '-c', 'echo out; echo err >&2; exit 3'], { remove: true })
console.log(`exit code ${exitCode}, stdout ${stdout.trim()}, stderr ${stderr.trim()}`)

// ... and an error where only the output was asked for.
try {
  await image.run(['sh', '-c', 'echo cannot do that >&2; exit 4'], { remove: true }).text()
} catch (error) {
  if (!(error instanceof ExitError)) throw error
  console.log(`rejected: exit code ${error.exitCode}, it said: ${error.stderr.trim()}`)
}

// Input is a stream, and can end while the output goes on.
const sort = image.run(['sort'], { remove: true })
sort.stdin.end('pear\napple\n')
console.log(`sorted: ${(await sort.text()).trim().replace('\n', ', ')}`)
