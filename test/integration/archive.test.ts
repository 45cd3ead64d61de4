// Needs: root on Linux and the lab's registry (test/lab).
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Container, createEngine, type Engine } from 'gantry'
import { ContainerArchive, ContainerCreate, type HostConfig, PutContainerArchive } from 'gantry/api'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { expectError } from '../conformance/kit/errors.js'
import { type HostSnapshot, leftoversSince, snapshotHost } from '../lab/leftovers.js'
import { type RawEntry, rawArchive } from '../unit/runtime/layers/tar-builder.js'

const lab = inject('lab')
const runsHere = process.platform === 'linux' && process.getuid?.() === 0 && lab.images.busybox !== undefined

let folder: string
let before: HostSnapshot
let engine: Engine

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-archive-'))
  before = await snapshotHost({ roots: [join(folder, 'root')] })
  engine = await createEngine({ transport: 'in-process', root: join(folder, 'root') })
  await engine.image(lab.images.busybox ?? '').pull()
})

afterEach(async () => {
  await engine.close()
  const left = await leftoversSince(before, { roots: [join(folder, 'root')] })
  await rm(folder, { recursive: true, force: true })
  expect(left).toEqual([])
})

async function create(Cmd: string[], settings: HostConfig = {}): Promise<Container> {
  const body = { Image: lab.images.busybox ?? '', Cmd, HostConfig: settings }
  return engine.container((await engine.raw.call(ContainerCreate, { body })).Id)
}

function put({ id }: Container, path: string, entries: readonly RawEntry[]) {
  return engine.raw.call(PutContainerArchive, { path: { id }, query: { path }, body: bodyOf(rawArchive(...entries)) })
}

async function* bodyOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function get({ id }: Container, path: string): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of await engine.raw.call(ContainerArchive, { path: { id }, query: { path } })) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Folders and files that this process holds open. Pipes and sockets come and go with the runs that are prepared. */
async function openFiles(): Promise<string[]> {
  const links = await Promise.all((await readdir('/proc/self/fd')).map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  return links.filter(link => link.startsWith('/') && !/^\/(proc|dev|sys)\/|\.log$|\(deleted\)$/.test(link)).sort()
}

describe.skipIf(!runsHere)('archives of a container', () => {
  it('that swaps folders for links out of it while it shares the processes of the host', async () => {
    const outside = join(folder, 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'secret'), 'of the host')
    // /proc/1/root is the host's root here, for whoever may follow it.
    const target = `/proc/1/root${outside}`
    const swap = `mkdir -p /w; cd /w; echo own > own; while :; do mkdir d; mkdir d/in; echo own > d/secret; rm -rf d; ln -s ${target} d; rm d; ln -s / d; rm d; done`
    const container = await create(['sh', '-c', swap], { PidMode: 'host' })
    await container.start()
    const files = await openFiles()
    let written = 0
    let read = 0
    const deadline = Date.now() + 6_000
    while (Date.now() < deadline) {
      for (const [path, name] of [
        ['/w', 'd/evil'],
        ['/w/d', 'evil'],
        ['/w', 'd/in/evil']
      ] as const) {
        await put(container, path, [
          { name, data: 'evil' },
          { name: `${name}-folder/`, type: '5', mode: 0o777 }
        ]).then(
          () => written++,
          () => {}
        )
      }
      for (const path of ['/w/d/secret', '/w/d/', '/w']) {
        const bytes = await get(container, path).catch(() => Buffer.alloc(0))
        expect(bytes.includes('of the host')).toBe(false)
        if (bytes.length > 0) read++
      }
    }
    expect(written).toBeGreaterThan(0)
    expect(read).toBeGreaterThan(0)
    expect(await readdir(outside)).toEqual(['secret'])
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('of the host')
    for (const name of ['/evil', '/evil-folder']) expect((await readdir('/')).includes(name.slice(1))).toBe(false)
    expect(await openFiles()).toEqual(files)
    await container.remove({ force: true })
  })

  it.each([
    ['a link to the host by way of /proc', '/proc/1/root'],
    ['an absolute link', '/'],
    ['a link that climbs', '../../../../../../../..']
  ])('leave %s inside', async (_, link) => {
    const outside = join(folder, 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'secret'), 'of the host')
    const container = await create(['sh', '-c', `ln -s ${link} /way; exec sleep 1000`], { PidMode: 'host' })
    await container.start()
    await container.exec(['sh', '-c', 'while [ ! -L /way ]; do :; done'])
    await expectError(get(container, `/way${outside}/secret`), ['not_found', 'invalid_argument'])
    await expectError(put(container, `/way${outside}`, [{ name: 'evil' }]), ['not_found', 'invalid_argument'])
    await put(container, '/', [{ name: `way${outside}/evil`, data: 'evil' }]).catch(() => {})
    expect(await readdir(outside)).toEqual(['secret'])
    await container.remove({ force: true })
  })

  it('that nobody reads to the end hold nothing up', async () => {
    const files = await openFiles()
    const container = await create(['sleep', '1000'])
    const stop = new AbortController()
    const query = { path: '/bin' }
    await engine.raw.call(ContainerArchive, { path: { id: container.id }, query }, { signal: stop.signal })
    stop.abort()
    for await (const _ of await engine.raw.call(ContainerArchive, { path: { id: container.id }, query })) break
    const failing = (async function* () {
      yield rawArchive({ name: 'a', data: 'a' }).subarray(0, 700)
      throw new Error('the client went away')
    })()
    await expect(engine.raw.call(PutContainerArchive, { path: { id: container.id }, query, body: failing })).rejects.toThrow(/went away/)
    await container.start()
    await container.remove({ force: true })
    expect(await openFiles()).toEqual(files)
  })

  it('on a full filesystem say so', async () => {
    const container = await create(['sleep', '1000'], { Tmpfs: { '/small': 'size=64k' } })
    await container.start()
    const entries = [{ name: 'big', data: Buffer.alloc(300_000, 1) }]
    await expectError(put(container, '/small', entries), 'resource_exhausted', /no space left/)
    await put(container, '/small', [{ name: 'little', data: 'x' }]).catch(() => {})
    await container.remove({ force: true })
  })

  it('of one that is started and removed at the same time', async () => {
    const container = await create(['sleep', '1000'])
    const all = [get(container, '/bin'), container.start(), put(container, '/tmp', [{ name: 'a' }]), get(container, '/etc')]
    const results = await Promise.allSettled(all)
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'])
    await Promise.allSettled([get(container, '/bin'), container.remove({ force: true }), put(container, '/tmp', [{ name: 'b' }])])
  })
})
