// Needs: root and the lab (test/lab).
import { ContainerLogs } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { rejection } from './kit/errors.js'
import { collect, eventually } from './kit/streams.js'

conform('logs', {
  'text is everything that was written, of both streams': async ({ image }) => {
    const container = await image.cmd('sh', '-c', 'echo out; sleep 0.1; echo err >&2').start()
    await container.wait()
    expect(await container.logs().text()).toBe('out\nerr\n')
  },

  'lines have their stream and their time': async ({ image }) => {
    const before = Date.now()
    const container = await image.cmd('sh', '-c', 'echo out; sleep 0.1; echo err >&2; sleep 0.1; printf rest').start()
    await container.wait()
    const lines = await collect(container.logs())
    expect(lines.map(line => [line.stream, line.text])).toEqual([
      ['stdout', 'out'],
      ['stderr', 'err'],
      ['stdout', 'rest']
    ])
    for (const { at } of lines) expect(at.getTime()).toBeGreaterThanOrEqual(before - 1000)
    expect((lines[1]?.at.getTime() ?? 0) - (lines[0]?.at.getTime() ?? 0)).toBeGreaterThan(0)
  },

  'tail gives the last lines': async ({ image }) => {
    const container = await image.cmd('seq', '1', '100').start()
    await container.wait()
    expect(await container.logs({ tail: 3 }).text()).toBe('98\n99\n100\n')
    expect(await container.logs({ tail: 0 }).text()).toBe('')
    expect((await container.logs({ tail: 1000 }).text()).split('\n')).toHaveLength(101)
  },

  'since leaves out what is older': async ({ image }) => {
    const container = await image.cmd('sh', '-c', 'echo old; sleep 1.2; echo new').start()
    await container.wait()
    const lines = await collect(container.logs())
    const between = new Date(((lines[0]?.at.getTime() ?? 0) + (lines[1]?.at.getTime() ?? 0)) / 2)
    expect(await container.logs({ since: between }).text()).toBe('new\n')
  },

  'until leaves out what is newer': async ({ engine, image }) => {
    const container = await image.cmd('sh', '-c', 'echo old; sleep 1.2; echo new').start()
    await container.wait()
    const lines = await collect(container.logs())
    const between = ((lines[0]?.at.getTime() ?? 0) + (lines[1]?.at.getTime() ?? 0)) / 2000
    const query = { stdout: true, until: between.toFixed(3) }
    expect(text(await collect(await engine.raw.call(ContainerLogs, { path: { id: container.id }, query })))).toBe('old\n')
  },

  'timestamps come before every line': async ({ engine, image }) => {
    const container = await image.cmd('sh', '-c', 'echo one; echo two').start()
    await container.wait()
    const frames = await engine.raw.call(ContainerLogs, { path: { id: container.id }, query: { stdout: true, timestamps: true } })
    const stamp = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z`
    expect(text(await collect(frames))).toMatch(new RegExp(`^${stamp} one\n${stamp} two\n$`))
  },

  'one stream can be asked for alone, and asking for none is invalid_argument': async ({ engine, image }) => {
    const container = await image.cmd('sh', '-c', 'echo out; echo err >&2').start()
    await container.wait()
    const read = async (query: { stdout?: boolean; stderr?: boolean }): Promise<string> =>
      text(await collect(await engine.raw.call(ContainerLogs, { path: { id: container.id }, query })))
    expect(await read({ stdout: true })).toBe('out\n')
    expect(await read({ stderr: true })).toBe('err\n')
    expect(await rejection(read({}))).toMatchObject({ code: 'invalid_argument' })
  },

  'without follow the logs of what runs end with what is there': async ({ image }) => {
    const container = await image.cmd('sh', '-c', 'echo here; sleep 1000').start()
    expect(await eventually(async () => (await container.logs().text()) || undefined)).toBe('here\n')
  },

  'follow goes on until the container ends': async ({ image }) => {
    const container = await image.cmd('sh', '-c', 'for i in 1 2 3 4 5; do echo $i; sleep 0.1; done').start()
    const lines = await collect(container.logs({ follow: true }))
    expect(lines.map(line => line.text)).toEqual(['1', '2', '3', '4', '5'])
  },

  'follow with tail begins with the last lines': async ({ image }) => {
    const container = await image.cmd('sh', '-c', 'seq 1 10; sleep 1; echo more').start()
    await eventually(async () => (await container.logs().text()).includes('10'))
    expect(await container.logs({ follow: true, tail: 2 }).text()).toBe('9\n10\nmore\n')
  },

  'an aborted follow rejects with the reason': async ({ image }) => {
    const container = await image.cmd('sh', '-c', 'echo here; sleep 1000').start()
    const controller = new AbortController()
    const reason = new Error('seen enough')
    const reading = (async () => {
      for await (const line of container.logs({ follow: true, signal: controller.signal }))
        if (line.text === 'here') controller.abort(reason)
    })()
    expect(await rejection(reading)).toBe(reason)
  },

  'leaving the loop of a follow ends it, and the container goes on': async ({ image }) => {
    const container = await image.cmd('sh', '-c', 'echo here; sleep 1000').start()
    for await (const line of container.logs({ follow: true })) {
      expect(line.text).toBe('here')
      break
    }
    expect((await container.state()).status).toBe('running')
  },

  'what a terminal showed is in the log': async ({ image }) => {
    const process = image.run(['sh', '-c', 'echo one; echo two >&2'], { tty: true })
    await process
    expect(await (await process.container).logs().text()).toBe('one\r\ntwo\r\n')
  },

  'what a process in the foreground wrote is in the log too': async ({ image }) => {
    const process = image.run(['sh', '-c', 'echo one; echo two >&2'])
    await process
    const lines = await collect((await process.container).logs())
    expect(lines.map(line => `${line.stream} ${line.text}`).sort()).toEqual(['stderr two', 'stdout one'])
  },

  'a line of a hundred kilobytes stays one line': async ({ image }) => {
    const container = await image.cmd('sh', '-c', 'printf %100000s x; echo; echo short').start()
    await container.wait()
    const lines = await collect(container.logs())
    expect(lines.map(line => line.text.length)).toEqual([100_000, 5])
  },

  'the logs of a container that never ran are empty': async ({ image }) => {
    expect(await (await image.create()).logs().text()).toBe('')
  },

  'another engine reads the same log': async ({ image, open }) => {
    const container = await image.cmd('echo', 'for all').start()
    await container.wait()
    const other = await open()
    expect(await (await other.container(container.id)).logs().text()).toBe('for all\n')
  }
})

function text(frames: readonly { readonly data: Uint8Array }[]): string {
  return Buffer.concat(frames.map(frame => frame.data)).toString()
}
