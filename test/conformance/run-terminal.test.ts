// Needs: root and the lab (test/lab).
import { PassThrough } from 'node:stream'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { Transcript } from './kit/streams.js'

conform('run with a terminal', {
  'stdin, stdout and stderr are one terminal': async ({ image }) => {
    const script = '[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && tty && echo yes; echo error >&2'
    const { output, exitCode } = await image.run(['sh', '-c', script], { tty: true })
    expect(output).toMatch(/^\/dev\/[a-z]+\/?\d*\r\nyes\r\nerror\r\n$/)
    expect(exitCode).toBe(0)
  },

  'there is no separate stderr, and without a terminal there is no terminal': async ({ image }) => {
    const withTerminal = image.run(['true'], { tty: true })
    expect('stderr' in withTerminal).toBe(false)
    const withPipes = image.run(['tty'])
    expect('terminal' in withPipes).toBe(false)
    expect(await withPipes).toMatchObject({ exitCode: 1, stdout: 'not a tty\n' })
    await withTerminal
  },

  'the exit code is that of the command': async ({ image }) => {
    expect((await image.run(['sh', '-c', 'exit 5'], { tty: true })).exitCode).toBe(5)
  },

  'a size that is set before the start is the one it finds': async ({ image }) => {
    const process = image.run(['sh', '-c', 'sleep 0.3; stty size'], { tty: true })
    await process.terminal.resize(101, 33)
    expect((await process).output.trim()).toBe('33 101')
  },

  'the size follows, and the process is told': async ({ image }) => {
    const process = image.run(['sh', '-c', 'trap "stty size" WINCH; echo ready; while :; do sleep 0.05; done'], { tty: true })
    const screen = new Transcript(process.terminal.output)
    await screen.until(/ready/)
    await process.terminal.resize(80, 24)
    await screen.until(/24 80/)
    await process.terminal.resize(132, 50)
    await screen.until(/50 132/)
    await process.kill()
    expect((await process).exitCode).toBe(137)
  },

  'what is typed is echoed': async ({ image }) => {
    const process = image.run(['sh', '-c', 'read line; echo "<$line>"'], { tty: true })
    process.terminal.input.write('typed\n')
    expect((await process).output).toBe('typed\r\n<typed>\r\n')
  },

  'Ctrl-C interrupts': async ({ image }) => {
    const process = image.run(['sh', '-c', 'trap "echo interrupted; exit 5" INT; echo ready; while :; do sleep 0.05; done'], { tty: true })
    const screen = new Transcript(process.terminal.output)
    await screen.until(/ready/)
    process.terminal.input.write('\x03')
    await screen.until(/interrupted/)
    expect((await process).exitCode).toBe(5)
  },

  'Ctrl-D is the end of input': async ({ image }) => {
    const process = image.run(['cat'], { tty: true })
    process.terminal.input.write('line\n\x04')
    expect(await process).toMatchObject({ exitCode: 0, output: 'line\r\nline\r\n' })
  },

  'ending the input types Ctrl-D': async ({ image }) => {
    const process = image.run(['cat'], { tty: true })
    process.terminal.input.end('last\n')
    expect(await process).toMatchObject({ exitCode: 0, output: 'last\r\nlast\r\n' })
  },

  'job control works: Ctrl-C ends the foreground job, not the shell': async ({ image }) => {
    const shell = image.run(['sh', '-i'], { tty: true })
    const screen = new Transcript(shell.terminal.output)
    shell.terminal.input.write('sleep 1000; echo "after $?"\n')
    // The shell echoes the line before it runs it.
    await screen.until(/after \$\?"\r\n/)
    await new Promise(resolve => setTimeout(resolve, 300))
    shell.terminal.input.write('\x03')
    shell.terminal.input.write('echo still $((1 + 1))\n')
    await screen.until(/still 2/)
    shell.terminal.input.write('exit 3\n')
    expect((await shell).exitCode).toBe(3)
  },

  'a large output arrives whole': async ({ image }) => {
    const { output } = await image.run(['sh', '-c', 'yes 0123456789 | head -n 50000'], { tty: true })
    expect(output.length).toBe(50_000 * 12)
  },

  'output can be followed as text': async ({ image }) => {
    let text = ''
    for await (const piece of image.run(['sh', '-c', 'echo one; echo two'], { tty: true })) text += piece
    expect(text).toBe('one\r\ntwo\r\n')
  },

  'attach connects streams that are no terminal, and gives the exit code': async ({ image }) => {
    const shell = image.run(['sh'], { tty: true })
    const stdin = new PassThrough()
    const stdout = new PassThrough()
    const screen = new Transcript(stdout)
    const attached = shell.terminal.attach({ stdin, stdout, stderr: new PassThrough() } as unknown as NodeJS.Process)
    stdin.write('echo $((20 + 3))\n')
    await screen.until(/\n23\r?\n/)
    stdin.end('exit 12\n')
    expect(await attached).toBe(12)
  },

  'attach to a container that runs: what it writes from then on, and what is typed': async ({ engine, image }) => {
    const spec = image.raw({ Config: { OpenStdin: true } })
    const container = await spec.cmd('sh', '-c', 'while read line; do echo "<$line>"; done').start({ tty: true })
    const process = (await engine.container(container.id)).attach()
    if (!('terminal' in process)) throw new Error('The container has a terminal')
    const screen = new Transcript(process.terminal.output)
    process.terminal.input.write('hello\n')
    await screen.until(/<hello>/)
    process.terminal.input.end()
    expect((await process).exitCode).toBe(0)
  },

  'attach to a container without a terminal keeps stdout and stderr apart': async ({ engine, image }) => {
    const container = await image.cmd('sh', '-c', 'sleep 0.5; echo out; echo err >&2; exit 3').create()
    const process = (await engine.container(container.id)).attach()
    if ('terminal' in process) throw new Error('The container has no terminal')
    await container.start()
    expect(await process).toMatchObject({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' })
  },

  'two who attach both get the output': async ({ image }) => {
    const container = await image.cmd('sh', '-c', 'sleep 0.5; echo to everyone').create()
    const processes = [container.attach(), container.attach()]
    await container.start()
    for (const process of processes) expect(await process).toMatchObject({ stdout: 'to everyone\n' })
  }
})
