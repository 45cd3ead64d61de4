// Needs: root, the lab's registry (docker-registry), GNU tar; docker.io's dockerd, skopeo and podman for what names them.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine, type Engine, type ImageSpec } from 'gantry'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { busyboxLayer, busyboxSettings } from '../lab/images/busybox.js'
import { type Image as LabImage, makeImage } from '../lab/images/image.js'
import { layerOfTar } from '../lab/images/layer.js'
import { push as put } from '../lab/images/push.js'
import { findParts, type MissingPart } from '../lab/parts.js'
import { digestAt, type PeerEngine, peerDocker, peerPodman, servePodman, skopeo, withoutTls } from '../lab/peers.js'
import { run } from '../lab/programs.js'
import { paxHeader, type RawEntry, rawArchive } from '../unit/runtime/layers/tar-builder.js'
import { type ListedFile, listTree } from '../unit/runtime/layers/tree-listing.js'

type Tree = Readonly<Record<string, ListedFile>>

const lab = inject('lab')
const address = lab.registry?.address ?? ''
const isReady = process.getuid?.() === 0 && lab.images.busybox !== undefined
const plain = '--tls-verify=false'

let folder: string
let engine: Engine
let missing: readonly MissingPart[] = []
let peers: Readonly<Record<'dockerd' | 'podman', PeerEngine>>
/** Everything that a file can be, below `rich`, in two layers. */
let rich: LabImage
/** `rich` as GNU tar makes it of the layers. */
let reference: Tree
let count = 0

const unique = (name: string): string => `${address}/peers-${process.pid}-${count++}/${name}:1`
const open = (): Promise<Engine> => createEngine({ transport: 'in-process', root: join(folder, `root-${count++}`) })

/** Done in a container by whoever makes an image of its own. */
const changes = `cd / && mkdir made made/sub && cd made && echo content > file && chown 70000:70001 file && chmod 4751 file
ln file sub/linked && ln -s ../nowhere dangling && mknod null c 1 3 && mknod disk b 7 0 && mknod queue p
touch -d '2021-02-03 04:05:06' file sub && chmod 1777 sub && rm -r ../rich/opaque && mkdir ../rich/opaque && echo newer > ../rich/opaque/newer`

describe.skipIf(!isReady)("images between engines and docker-registry (needs root and the lab's registry)", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-peers-'))
    peers = { dockerd: peerDocker(lab.dockerd?.host ?? ''), podman: peerPodman(folder) }
    const found = await findParts(['busybox', 'skopeo', 'podman'])
    missing = found.missing
    const layers = [lowerLayer(), upperLayer()]
    const settings = { ...busyboxSettings, Env: ['RICH=yes'], Labels: { a: 'b' } }
    rich = makeImage([await busyboxLayer(found.paths.get('busybox') ?? ''), ...layers.map(layerOfTar)], { settings })
    reference = await unpackedByTar(layers)
  })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  beforeEach(async () => {
    engine = await open()
  })
  afterEach(async () => {
    await engine.close()
  })

  it('what skopeo pushes has the same digest here, and the same files', async context => {
    need(context, 'skopeo')
    const layout = `oci:${join(folder, 'layout')}:rich`
    const [docker, oci, kept] = [await published(), unique('oci'), unique('kept')]
    await skopeo('copy', '-q', ...withoutTls, `docker://${docker}`, layout)
    await skopeo('copy', '-q', '--dest-tls-verify=false', layout, `docker://${oci}`)
    await skopeo('copy', '-q', '--preserve-digests', ...withoutTls, `docker://${docker}`, `docker://${kept}`)
    for (const name of [docker, oci, kept]) {
      const image = await engine.image(name).pull()
      expect(image).toMatchObject({ id: (await manifestAt(name)).config.digest, digest: await digestAt(name, plain) })
    }
    expect(await digestAt(kept, plain)).toBe(rich.manifest.digest)
    expectSame(await treeOf(engine.image(oci), 'rich'), reference)
  })

  it.for(['dockerd', 'podman'] as const)('what %s pushes has the same id here, and the same files', async (name, context) => {
    need(context, name)
    const [from, to, made] = [await published(), unique(name), unique(`made-by-${name}`)]
    const peer = peers[name]
    expect(await peer.pull(from)).toBe(rich.config.digest)
    await peer.push(from, to)
    expect((await engine.image(to).pull()).id).toBe(rich.config.digest)
    expectSame(await treeOf(engine.image(to), 'rich'), reference)
    const id = await peer.commit(from, changes, made)
    await peer.push(made, made)
    expect((await engine.image(made).pull()).id).toBe(id)
    for (const below of ['made', 'rich']) expectSame(await treeOf(engine.image(made), below), await peerTree(peer, made, below))
  })

  it.for(['dockerd', 'podman'] as const)('what is pushed from here has the same id at %s, and the same files', async (name, context) => {
    need(context, name)
    const [to, made] = [unique('gantry'), unique('made-by-gantry')]
    const image = await engine.image(await published()).pull()
    const { digest } = await image.push({ to })
    expect(digest).toBe(rich.manifest.digest)
    const peer = peers[name]
    expect(await peer.pull(to)).toBe(rich.config.digest)
    expectSame(await peerTree(peer, to, 'rich'), reference)
    const script = image.run(['sh', '-e', '-c', changes])
    expect(await script).toMatchObject({ exitCode: 0, stderr: '' })
    const container = await script.container
    const committed = await container.commit(made, { changes: ['LABEL made=here'] })
    await committed.push()
    expect(await peer.pull(made)).toBe(committed.id)
    for (const below of ['made', 'rich']) expectSame(await peerTree(peer, made, below), await treeOf(committed, below))
    await container.remove()
  })

  it("podman's service of Docker's API pushes for this library, too", async context => {
    need(context, 'podman', 'skopeo')
    const service = await servePodman(folder, address)
    try {
      await using remote = await createEngine({ host: service.host })
      const to = unique('podman-service')
      const push = (await remote.image(await published()).pull()).push({ to })
      const events: string[] = []
      for await (const { type } of push) events.push(type)
      expect(await push).toEqual({ reference: to, digest: await digestAt(to, plain), sizeBytes: expect.any(Number) })
      expect(events.at(-1)).toBe('image.pushed')
      expect((await engine.image(to).pull()).id).toBe(rich.config.digest)
    } finally {
      await service.stop()
    }
  })

  it('what is pushed from here is for skopeo what it was: manifest, configuration and layers byte for byte', async context => {
    need(context, 'skopeo')
    const to = unique('gantry')
    const image = await engine.image(await published()).pull()
    const { digest, sizeBytes } = await image.push({ to })
    expect([digest, sizeBytes]).toEqual([await digestAt(to, plain), rich.manifest.content.length])
    const target = join(folder, 'by-skopeo')
    await skopeo('copy', '-q', '--preserve-digests', '--src-tls-verify=false', `docker://${to}`, `dir:${target}`)
    expect(await readFile(join(target, 'manifest.json'))).toEqual(rich.manifest.content)
    const blobs = [...rich.layers.map(({ digest, blob }) => [digest, blob] as const), [rich.config.digest, rich.config.content] as const]
    for (const [name, bytes] of blobs) expect((await readFile(join(target, name.slice(7)))).equals(bytes)).toBe(true)
  })

  it.each(['docker', 'oci'] as const)('pull, push and pull again: the same digests (media types of %s)', async format => {
    const [from, to] = [await published(format), unique('again')]
    const first = await engine.image(from).pull()
    expect((await first.push({ to })).digest).toBe(first.digest)
    await using other = await open()
    const second = await other.image(to).pull()
    expect(second).toMatchObject({ id: first.id, digest: first.digest, sizeBytes: first.sizeBytes })
    expect(await manifestAt(to)).toEqual(await manifestAt(from))
  })

  it('load, save and push: an OCI layout keeps its manifest, an archive of Docker its configuration and layers', async context => {
    need(context, 'skopeo')
    await using other = await open()
    const from = await published()
    const layers = rich.layers.map(({ diffId }) => diffId)
    for (const format of ['oci-archive', 'docker-archive']) {
      const [theirs, ours] = [join(folder, `${format}.tar`), join(folder, `${format}-saved.tar`)]
      const [loaded, reloaded, copied] = [unique('loaded'), unique('reloaded'), unique('copied')]
      await skopeo('copy', '-q', '--src-tls-verify=false', `docker://${from}`, `${format}:${theirs}:${loaded}`)
      const [first] = await engine.load(theirs)
      const { config } = JSON.parse(await skopeo('inspect', '--raw', `${format}:${theirs}`))
      expect(first?.id).toBe(config.digest)
      const pushed = await first?.push({ to: loaded })
      await first?.save(ours, { format: 'oci' })
      const [second] = await other.load(ours)
      expect((await second?.inspect())?.layers).toEqual(layers)
      expect((await second?.push({ to: reloaded }))?.digest).toBe(pushed?.digest)
      const manifest = await manifestAt(loaded)
      expect(manifest).toEqual(await manifestAt(reloaded))
      expect(manifest.config).toMatchObject({ digest: config.digest })
      if (format === 'docker-archive') continue
      const digest = (await skopeo('inspect', '--format={{.Digest}}', `${format}:${theirs}`)).trim()
      expect(pushed?.digest).toBe(digest)
      await skopeo('copy', '-q', '--preserve-digests', '--dest-tls-verify=false', `${format}:${ours}`, `docker://${copied}`)
      expect(await digestAt(copied, plain)).toBe(digest)
    }
  })
})

/** Skip a test where a program that it needs cannot be had. */
function need(context: { skip(reason?: string): void }, ...parts: readonly ('skopeo' | 'podman' | 'dockerd')[]): void {
  for (const part of parts) {
    const reason = missing.find(each => each.part === part)?.reason
    if (part === 'dockerd' && lab.dockerd === undefined) context.skip("needs the lab's dockerd")
    else if (reason !== undefined) context.skip(reason)
  }
}

/** Put the rich image into the registry, without any engine. */
async function published(format: 'docker' | 'oci' = 'docker'): Promise<string> {
  const name = unique('rich')
  const image = format === 'docker' ? rich : makeImage(rich.layers, { format, settings: busyboxSettings })
  await put(address, name.slice(address.length + 1), image)
  return name
}

/** What an image's container sees below a folder, from the outside. */
async function treeOf(image: ImageSpec, below: string): Promise<Tree> {
  const container = await image.cmd('sleep', '1000').start()
  try {
    const { State } = await container.inspect()
    return listTree(`/proc/${State.Pid}/root/${below}`)
  } finally {
    await container.remove({ force: true })
  }
}

function peerTree(peer: PeerEngine, name: string, below: string): Promise<Tree> {
  return peer.withRoot(name, async root => listTree(join(root, below)))
}

/** File by file: what differs is named. */
function expectSame(actual: Tree, expected: Tree): void {
  expect(Object.keys(actual).toSorted()).toEqual(Object.keys(expected).toSorted())
  for (const [name, file] of Object.entries(expected)) expect({ name, ...actual[name] }).toEqual({ name, ...file })
}

async function manifestAt(name: string): Promise<{ readonly config: { readonly digest: string }; readonly layers: readonly object[] }> {
  const [, repository = '', tag = ''] = /^[^/]+\/(.+):([^:]+)$/.exec(name) ?? []
  const types = ['docker.distribution.manifest.v2', 'oci.image.manifest.v1'].map(type => `application/vnd.${type}+json`)
  const answer = await fetch(`http://${address}/v2/${repository}/manifests/${tag}`, { headers: { accept: types.join(', ') } })
  expect(answer.status).toBe(200)
  return (await answer.json()) as Awaited<ReturnType<typeof manifestAt>>
}

function lowerLayer(): Buffer {
  const at = (mtime: string) => paxHeader([['mtime', mtime]])
  const directory = (name: string, more: Partial<RawEntry> = {}): RawEntry => ({ name: `${name}/`, type: '5', mode: 0o755, ...more })
  const long = `rich/${'long-'.repeat(30)}name`
  return rawArchive(
    directory('rich'),
    directory('rich/a', { mode: 0o1777, uid: 100_000, gid: 200_000 }),
    at('1600000000.123456789'),
    { name: 'rich/a/set-user-id', mode: 0o4755, uid: 1234, gid: 5678, data: 'x'.repeat(100_000) },
    { name: 'rich/empty', mode: 0o000 },
    directory('rich/b'),
    at('1600000000.123456789'),
    { name: 'rich/b/linked', type: '1', linkName: 'rich/a/set-user-id', mode: 0o4755, uid: 1234, gid: 5678 },
    at('1500000000.5'),
    { name: 'rich/absolute', type: '2', linkName: '/bin/busybox', mode: 0o777 },
    { name: 'rich/dangling', type: '2', linkName: '../nowhere', mode: 0o777, uid: 7, gid: 8 },
    { name: 'rich/character', type: '3', device: [1, 3], mode: 0o666 },
    { name: 'rich/block', type: '4', device: [7, 200], mode: 0o640, gid: 6 },
    { name: 'rich/queue', type: '6', mode: 0o622 },
    paxHeader([
      ['SCHILY.xattr.user.note', Buffer.from('a=b\0\xff\n', 'latin1')],
      ['SCHILY.xattr.security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex')]
    ]),
    { name: 'rich/attributes', mode: 0o755, data: 'capable' },
    paxHeader([['SCHILY.xattr.user.of', 'directory']]),
    directory('rich/attributed'),
    paxHeader([['path', long]]),
    { name: 'long', data: 'long' },
    { name: 'rich/not-utf8-\xe9', data: 'latin1' },
    { name: 'rich/gone', data: 'gone' },
    directory('rich/opaque'),
    { name: 'rich/opaque/old', data: 'old' },
    directory('rich/removed'),
    { name: 'rich/removed/inside', data: 'inside' },
    { name: 'rich/changed', data: 'before' }
  )
}

function upperLayer(): Buffer {
  return rawArchive(
    { name: 'rich/', type: '5', mode: 0o750, gid: 9, mtime: 1_234_567_890 },
    { name: 'rich/.wh.gone', mode: 0o600 },
    { name: 'rich/.wh.removed', mode: 0o600 },
    { name: 'rich/opaque/', type: '5', mode: 0o700 },
    { name: 'rich/opaque/.wh..wh..opq', mode: 0o600 },
    { name: 'rich/opaque/new', data: 'new' },
    { name: 'rich/changed', data: 'after', uid: 70_000, mode: 0o600 }
  )
}

/** What whiteouts hide is removed by hand: tar knows nothing of them. */
async function unpackedByTar([lower, upper]: readonly Buffer[]): Promise<Tree> {
  const target = join(folder, 'by-tar')
  await mkdir(target)
  const tar = (...argv: readonly string[]) =>
    run(['tar', '-xp', '--same-owner', '--numeric-owner', '--xattrs', '--xattrs-include=*', '-C', target, ...argv])
  for (const [index, layer] of [lower, upper].entries()) {
    const file = join(folder, `layer-${index}.tar`)
    await writeFile(file, layer ?? '')
    if (index === 1) for (const hidden of ['gone', 'removed', 'opaque/old']) await rm(join(target, 'rich', hidden), { recursive: true })
    await tar('--exclude=.wh.*', '-f', file)
  }
  return listTree(join(target, 'rich'))
}
