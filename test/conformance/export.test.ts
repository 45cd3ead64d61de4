// Needs: root and the lab (test/lab), GNU tar.
import { spawnSync } from 'node:child_process'
import { ContainerExport, type TarStream } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { eventually } from './kit/streams.js'

conform('export', {
  'a running container: its files without what is mounted in it': async ({ engine, image }) => {
    const container = await image
      .cmd('sh', '-c', 'echo one > /mine; ln -s ./mine /link; rm /etc/passwd; echo ready; exec sleep 1000')
      .start()
    await eventually(async () => (await container.logs().text()) === 'ready\n')
    const archive = await bytes(await engine.raw.call(ContainerExport, { path: { id: container.id } }))
    const names = tar(['-t'], archive).split('\n')
    expect(names).toEqual(expect.arrayContaining(['mine', 'link', 'etc/', 'bin/']))
    expect(names).not.toContain('etc/passwd')
    expect(names.filter(name => /^(proc|sys)\/./.test(name))).toEqual([])
    expect(tar(['-xO', 'mine'], archive)).toBe('one\n')
    expect(tar(['-tv', 'link'], archive)).toMatch(/link -> \.\/mine$/m)
  },

  'a container that has stopped, and none': async ({ engine, image }) => {
    const container = await image.cmd('sh', '-c', 'echo two > /mine').start()
    await container.wait()
    const archive = await bytes(await engine.raw.call(ContainerExport, { path: { id: container.id } }))
    expect(tar(['-xO', 'mine'], archive)).toBe('two\n')
    await expectError(engine.raw.call(ContainerExport, { path: { id: 'cp-no-such' } }), 'not_found', /No such container: cp-no-such/)
  }
})

async function bytes(stream: TarStream): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function tar(args: readonly string[], input: Buffer): string {
  const { stdout, stderr, status } = spawnSync('tar', ['-f', '-', ...args], { input, maxBuffer: 64 * 1024 ** 2 })
  if (status !== 0) throw new Error(stderr.toString())
  return stdout.toString()
}
