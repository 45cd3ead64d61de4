import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type GantryDaemon, startGantryDaemon } from '../lab/gantry-daemon.js'
import { differences } from './docker-cli/differences.js'
import { normalise } from './docker-cli/normalise.js'
import { scenario } from './docker-cli/scenario.js'

// Needs: root, the docker command, and the lab with dockerd, which is the oracle: each command answers as it does there.

/** No command of the scenario takes longer. */
const commandMs = 15_000

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const lab = inject('lab')
const obstacle = lab.dockerd === undefined || lab.images.busybox === undefined ? "needs the lab's dockerd and busybox" : undefined

describe.skipIf(obstacle !== undefined)(`docker's command line (${obstacle ?? 'dockerd beside the Gantry daemon'})`, () => {
  let folder: string
  let daemon: GantryDaemon
  const folders = { gantry: '', dockerd: '' }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-cli-'))
    for (const name of ['gantry', 'dockerd'] as const) {
      folders[name] = join(folder, name)
      await mkdir(folders[name])
    }
    daemon = await startGantryDaemon({ folder })
    // The lab's dockerd has served others before.
    await docker(
      lab.dockerd?.host ?? '',
      folders.dockerd,
      'docker rm -f $(docker ps -aq) ; docker rmi -f $(docker images -q) ; docker network prune -f'
    )
  })
  afterAll(async () => {
    await daemon?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('has at least 80 commands', () => {
    expect(scenario.length).toBeGreaterThanOrEqual(80)
  })

  it.each(scenario.map((command, index) => [index + 1, command] as const))('%d: %s', async (_index, command) => {
    const [theirs, ours] = await Promise.all([
      docker(lab.dockerd?.host ?? '', folders.dockerd, command),
      docker(daemon.host, folders.gantry, command)
    ])
    if (differences.some(difference => difference.command === command)) {
      if (isDeepStrictEqual(visible(ours), visible(theirs))) console.warn(`no longer differs, take it off the list: ${command}`)
      return
    }
    expect({ ...visible(ours), stderr: ours.stderr }, `dockerd says on stderr: ${theirs.stderr}`).toEqual({
      ...visible(theirs),
      stderr: ours.stderr
    })
  })

  it('the daemon is still there, and complained of nothing', async () => {
    expect((await docker(daemon.host, folders.gantry, 'docker ps')).code).toBe(0)
    expect(await daemon.output()).not.toMatch(/^gantry: /m)
  })
})

function visible({ code, stdout }: Outcome) {
  return { code, stdout: normalise(stdout) }
}

function docker(host: string, folder: string, command: string): Promise<Outcome> {
  const child = spawn('/bin/sh', ['-c', `${command}`], {
    env: {
      ...process.env,
      DOCKER_HOST: host,
      DOCKER_CONFIG: folder,
      DIR: folder,
      IMAGE: lab.images.busybox ?? '',
      REPOSITORY: (lab.images.busybox ?? '').replace(/:[^:/]*$/, ''),
      DEBIAN: lab.images.debian ?? ''
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: what the shell started goes with it.
    detached: true
  })
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), commandMs)
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', chunk => {
      stdout += chunk
    })
    child.stderr.on('data', chunk => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', code => {
      clearTimeout(timer)
      resolve({ code, stdout, stderr })
    })
  })
}
