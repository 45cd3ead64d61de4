// docker run -i -t ubuntu /bin/bash
//
//   node interactive-shell.js [image] [command ...]
import { createEngine } from 'gantry'

const [reference = 'ubuntu', ...command] = process.argv.slice(2)

await using engine = await createEngine()
const shell = engine.image(reference).run(command.length > 0 ? command : ['/bin/bash'], { tty: true })

// The terminal's keys, output and size become this process's, until the shell ends.
process.exitCode = await shell.terminal.attach(process)

// `exit` stopped the container; it is still there, and could be started again.
const container = await shell.container
console.log(`${container.name} is ${(await container.state()).status}`)
await container.remove()
