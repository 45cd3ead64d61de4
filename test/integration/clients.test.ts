// Needs: root and the lab with dockerd, which is the oracle; docker-compose with its docker-py (Debian's).
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { eventually } from '../conformance/kit/streams.js'
import { type GantryDaemon, startGantryDaemon } from '../lab/gantry-daemon.js'
import { findParts } from '../lab/parts.js'

const lab = inject('lab')
const image = lab.images.busybox ?? ''
const oracle = lab.dockerd?.host ?? ''
const obstacle = lab.dockerd === undefined || lab.images.busybox === undefined ? "needs the lab's dockerd and busybox" : undefined
const folder = fileURLToPath(new URL('clients/', import.meta.url))

describe.skipIf(obstacle !== undefined)(`Docker's other clients (${obstacle ?? 'dockerd beside the Gantry daemon'})`, () => {
  let place: string
  let daemon: GantryDaemon
  const hasCompose = findParts(['docker-compose']).then(({ missing }) => missing.length === 0)

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'gantry-clients-'))
    daemon = await startGantryDaemon({ folder: place })
  })
  afterAll(async () => {
    await daemon?.stop()
    await rm(place, { recursive: true, force: true })
  })

  it('docker-py finds the same on both', async context => {
    if (!(await hasCompose)) context.skip()
    const [ours, theirs] = await Promise.all(
      [daemon.host, oracle].map(host => run(['python3', join(folder, 'docker_py.py'), host, image], { DOCKER_HOST: host }))
    )
    expect(ours?.code, ours?.output).toBe(0)
    expect(ours?.output).toBe(theirs?.output)
  })

  it('a Compose project comes up, is looked at, changed and taken down, and nothing is left of it', async context => {
    if (!(await hasCompose)) context.skip()
    const compose = async (...argv: readonly string[]) => {
      const project = ['docker-compose', '--project-name', 'clients', '--file', join(folder, 'compose.yml'), '--ansi', 'never']
      const { code, output } = await run([...project, ...argv], { DOCKER_HOST: daemon.host, IMAGE: image })
      expect(code, `docker-compose ${argv.join(' ')}: ${output}`).toBe(0)
      return output
    }
    await compose('pull', '--quiet')
    expect(await compose('up', '--detach')).toMatch(/Creating clients_web_1 +\.\.\. done/)
    await eventually(async () => (await compose('ps')).includes('Up (healthy)'))
    await eventually(async () => (await compose('logs', 'client')).includes('done'))
    expect(await compose('logs', '--no-log-prefix', 'client')).toMatch(/hello from web\ndone\n/)
    expect(await compose('exec', '-T', 'web', 'cat', '/www/index.html')).toBe('hello from web\n')
    expect(await compose('port', 'web', '8080')).toMatch(/^127\.0\.0\.1:\d+\n$/)
    expect(await compose('top', 'web')).toContain('httpd -f -p 8080')
    await compose('restart', '--timeout', '1', 'web')
    await compose('up', '--detach', '--scale', 'client=2')
    expect((await compose('ps', '--quiet', 'client')).trim().split('\n')).toHaveLength(2)
    await compose('pause', 'web')
    await compose('unpause', 'web')
    expect(await compose('run', '--rm', 'client', 'echo', 'one-off')).toMatch(/one-off\n$/)
    await compose('stop', '--timeout', '1')
    await compose('start', 'web')
    await compose('down', '--volumes', '--timeout', '1')
    const left = (...argv: readonly string[]) => run(['docker', ...argv], { DOCKER_HOST: daemon.host })
    expect(await left('ps', '-aq')).toEqual({ code: 0, output: '' })
    expect(await left('volume', 'ls', '-q')).toEqual({ code: 0, output: '' })
    expect((await left('network', 'ls')).output).not.toContain('clients')
  })

  it('dockerode finds the same on both', async () => {
    const [ours, theirs] = await Promise.all(
      [daemon.host, oracle].map(host => run([process.execPath, join(folder, 'dockerode.mjs'), host, image], {}))
    )
    expect(ours?.code, ours?.output).toBe(0)
    expect(ours?.output).toBe(theirs?.output)
  })
})

function run(
  argv: readonly string[],
  env: Readonly<Record<string, string>>
): Promise<{ readonly code: number | null; readonly output: string }> {
  const [program = '', ...rest] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
      killSignal: 'SIGKILL'
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', piece => (output += piece))
    child.on('error', reject)
    child.on('close', code => resolve({ code, output }))
  })
}
