// Needs: root, unshare (util-linux), and the lab's registry; the remote example also the lab's dockerd.
import { spawn } from 'node:child_process'
import { mkdirSync, rmdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const lab = inject('lab')
const busybox = lab.images.busybox
const debian = lab.images.debian
const ordinaryUser = process.getuid?.() !== 0

/** The default data and run folders: the examples get empty ones of their own, mounted over these. */
const folders = ['/var/lib/gantry', '/run/gantry']
const made: string[] = []

describe('examples', () => {
  beforeAll(() => {
    if (ordinaryUser) return
    for (const folder of folders) if (mkdirSync(folder, { recursive: true }) !== undefined) made.push(folder)
  })
  // Fails on a folder that is not empty: then something was written past the mounts.
  afterAll(() => {
    for (const folder of made) rmdirSync(folder)
  })

  it.skipIf(ordinaryUser || debian === undefined)(
    'quickstart shows the six steps, types into the shell and leaves nothing (needs root, mmdebstrap)',
    async () => {
      const { code, output } = await example('quickstart', [debian ?? ''])
      expect(output).toMatch(/1 image .* pulled, .*2 container .*3 layer .*4 network .*5 start .*6 exit .*exit code 0/s)
      expect(output).toContain('PRETTY_NAME="Debian')
      expect(output).toContain('left       nothing')
      expect(code).toBe(0)
    }
  )

  it.skipIf(ordinaryUser)("quickstart uses this machine's own files where the registry cannot be reached (needs root)", async () => {
    const { code, output } = await example('quickstart', ['127.0.0.1:1/ubuntu'])
    expect(output).toContain("127.0.0.1:1 cannot be reached: using this machine's own files")
    expect(output).toMatch(/6 exit .*exit code 0/)
    expect(output).toContain('left       nothing')
    expect(code).toBe(0)
  })

  it.skipIf(ordinaryUser || busybox === undefined)(
    'run-and-capture prints what the programs said (needs root, docker-registry)',
    async () => {
      const { code, output } = await example('run-and-capture', [busybox ?? ''])
      expect(output.split('\n').map(line => line.trim())).toEqual([
        expect.stringMatching(/^machine: \w+/),
        'line 1',
        'line 2',
        'line 3',
        'json: gantry, 1',
        'exit code 3, stdout out, stderr err',
        'rejected: exit code 4, it said: cannot do that',
        'sorted: apple, pear',
        ''
      ])
      expect(code).toBe(0)
    }
  )

  it.skipIf(ordinaryUser || busybox === undefined)(
    "interactive-shell gives a terminal of the caller's size, and the shell's exit code (needs root, docker-registry)",
    async () => {
      const { code, output } = await example('interactive-shell', [busybox ?? '', 'sh'], ['stty size', 'tty', 'exit 7'])
      expect(output).toContain('33 101')
      expect(output).toContain('/dev/pts/0')
      expect(output).toMatch(/\w+ is exited/)
      expect(code).toBe(7)
    }
  )

  it.skipIf(ordinaryUser || busybox === undefined)("registry is a cache of the lab's registry (needs root, docker-registry)", async () => {
    const { code, output } = await example('registry', [busybox ?? ''])
    expect(output.split('\n').slice(-4)).toEqual([
      expect.stringMatching(/^registry: 127\.0\.0\.1:\d+, a cache of http:\/\/127\.0\.0\.1:\d+$/),
      `pulled: ${lab.digests.busybox}`,
      'kept: busybox',
      ''
    ])
    expect(code).toBe(0)
  })

  it.skipIf(ordinaryUser || busybox === undefined)(
    'push-an-image pushes what a container did, and runs it from there (needs root, docker-registry)',
    async () => {
      const { code, output } = await example('push-an-image', [busybox ?? ''])
      const lines = output.trim().split('\n')
      expect(lines.filter(line => /^[0-9a-f]{12}: done$/.test(line))).toHaveLength(2)
      expect(lines.slice(-2)).toEqual([
        expect.stringMatching(/^pushed: 127\.0\.0\.1:\d+\/greeting:1@sha256:[0-9a-f]{64}$/),
        'it says: hello from a registry'
      ])
      expect(code).toBe(0)
    }
  )

  it.skipIf(ordinaryUser || busybox === undefined)('images-as-files saves, loads and imports (needs root, docker-registry)', async () => {
    const { code, output } = await example('images-as-files', [busybox ?? ''])
    expect(output.trim().split('\n')).toEqual([
      expect.stringMatching(/^saved: \d{6,} bytes$/),
      `loaded: ${busybox}, the same image: true`,
      'it says: hello from a file'
    ])
    expect(code).toBe(0)
  })

  it.skipIf(ordinaryUser || busybox === undefined)(
    'signed-images refuses an image until it is signed (needs root, docker-registry)',
    async () => {
      const { code, output } = await example('signed-images', [busybox ?? ''])
      expect(output.trim().split('\n').slice(-3)).toEqual([
        expect.stringMatching(/^refused: cannot pull 127\.0\.0\.1:\d+\/app:1: it is not trusted: .*it has no signature$/),
        expect.stringMatching(/^signed: 127\.0\.0\.1:\d+\/app:sha256-[0-9a-f]{64}\.sig$/),
        expect.stringMatching(/^let in: sha256:[0-9a-f]{64}$/)
      ])
      expect(code).toBe(0)
    }
  )

  it.skipIf(lab.dockerd === undefined || busybox === undefined)(
    'server has a network, a port, a volume, commands and files on a real dockerd (needs root, docker.io, docker-registry)',
    async () => {
      const { code, output } = await example('server', [busybox ?? '', lab.dockerd?.host ?? ''])
      expect(output.split('\n').slice(-6)).toEqual([
        expect.stringMatching(/^inside: hello, outside: http:\/\/127\.0\.0\.1:\d+$/),
        'exec: index.html',
        'files: index.html, more.html',
        'runs: httpd -f -p 8080 -h /site; counted',
        'volume: kept',
        ''
      ])
      expect(code).toBe(0)
    }
  )

  it.skipIf(lab.dockerd === undefined || busybox === undefined)(
    'remote-over-a-socket runs a container on a real dockerd (needs root, docker.io, docker-registry)',
    async () => {
      const { code, output } = await example('remote-over-a-socket', [busybox ?? '', lab.dockerd?.host ?? ''])
      expect(output).toMatch(/^engine \S+ on linux\/\w+, API 1\.\d+, reached over unix$/m)
      expect(output).toContain('hello from a daemon')
      expect(output).toMatch(/^\w+ is exited$/m)
      expect(output).toMatch(/^event: \w+ exited with 0$/m)
      expect(code).toBe(0)
    }
  )
})

/**
 * Run an example as the README says, with data folders of its own: a mount namespace where the default folders are
 * empty. With `typed`, on a terminal of 33 rows and 101 columns, each line typed at the prompt.
 */
async function example(name: string, rest: readonly string[], typed?: readonly string[]): Promise<{ code: number | null; output: string }> {
  const command = [process.execPath, 'scripts/example.mjs', name, ...rest].map(word => `'${word}'`).join(' ')
  const inside = typed === undefined ? command : `script -qec "stty rows 33 cols 101; ${command}" /dev/null`
  const script = ['set -e', ...folders.map(folder => `mount -t tmpfs none ${folder}`), inside].join('\n')
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1', DOCKER_HOST: '', DOCKER_CONTEXT: '' },
    stdio: ['pipe', 'pipe', 'pipe']
  })
  let output = ''
  const left = [...(typed ?? [])]
  let seen = 0
  const take = (chunk: Buffer): void => {
    output += chunk.toString()
    if (!/[#$] $/.test(stripVTControlCharacters(output.slice(seen)))) return
    seen = output.length
    const line = left.shift()
    if (line !== undefined) child.stdin.write(`${line}\n`)
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  if (typed === undefined) child.stdin.end()
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  return { code, output: output.replaceAll('\r', '') }
}
