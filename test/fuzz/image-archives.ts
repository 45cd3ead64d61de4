import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { paxHeader, rawArchive, rawEntry } from '../unit/runtime/layers/tar-builder.js'
import { hostileArchive } from './archives.js'
import { mutate } from './mutate.js'
import { linkTarget, type Prey } from './names.js'
import type { Random } from './random.js'

/** A member of the archive: a file, or a link (`1` hard, `2` symbolic) with its target. */
interface Member {
  name: string
  content: Buffer | { readonly type: string; readonly linkName: string }
}

interface Draft {
  readonly random: Random
  readonly prey: Prey
  readonly members: Member[]
  /** Tells no lies about itself, so that it is stored; its layers may be hostile still. */
  readonly isHonest: boolean
}

interface DraftLayer {
  readonly blob: Buffer
  readonly diffId: string
}

type Json = unknown

const mediaTypes = {
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  unknown: 'application/x-unknown',
  empty: ''
} as const

const mediaTypeChoices = Object.values(mediaTypes) as unknown as readonly [string, ...string[]] // there are some

/** An archive of images, Docker's or an OCI layout or both, that is whole, or tells lies about itself, or is broken. */
export function hostileImageArchive(random: Random, prey: Prey): Buffer {
  const isHonest = random.percent(50)
  const draft: Draft = { random, prey, members: [], isHonest }
  const isDocker = random.percent(60)
  for (let images = 1 + random.below(2); images > 0; images--) addImage(draft, isDocker || random.percent(30))
  if (!isHonest) for (let times = 1 + random.below(3); times > 0; times--) twist(draft)
  if (random.percent(30)) draft.members.reverse()
  const archive = Buffer.concat([
    ...draft.members.map(member => memberBlocks(random, member)),
    Buffer.alloc(isHonest || random.percent(95) ? 1024 : 512)
  ])
  const changed = random.percent(isHonest ? 3 : 15) ? mutate(random, archive) : archive
  if (!random.percent(10)) return changed
  const packed = gzipSync(changed, { level: 1 })
  return random.percent(20) ? mutate(random, packed) : packed
}

/** Whether what an archive says is so: always in an honest one. */
function isTrue({ isHonest, random }: Draft, share: number): boolean {
  return random.percent(share) || isHonest
}

function addImage(draft: Draft, isDocker: boolean): void {
  const { random } = draft
  const layers = Array.from({ length: random.below(4) }, () => layerOf(draft))
  const config = documentOf(configOf(draft, layers))
  if (isTrue(draft, 96)) add(draft, `blobs/sha256/${hex(config)}`, config)
  for (const { blob } of layers) if (isTrue(draft, 97)) add(draft, `blobs/sha256/${hex(blob)}`, blob)
  if (isDocker) addDocker(draft, config, layers)
  else addLayout(draft, config, layers)
}

function addDocker(draft: Draft, config: Buffer, layers: readonly DraftLayer[]): void {
  const { random } = draft
  const names = layers.map(({ blob }) => `blobs/sha256/${hex(blob)}`)
  const item = {
    Config: isTrue(draft, 90) ? `blobs/sha256/${hex(config)}` : entryPath(draft),
    RepoTags: isTrue(draft, 80)
      ? [`fuzz:${random.below(5)}`]
      : random.pick<Json>([null, [], [''], ['UPPER'], ['../..:x'], ['a@sha256:b'], 5, ['x'.repeat(500)]]),
    Layers: isTrue(draft, 85)
      ? names
      : random.pick<Json>([null, [], [...names, entryPath(draft)], names.slice(1), [...names, ...names], 'x', [1]]),
    ...(!isTrue(draft, 90) && { Parent: random.pick<Json>(['', '../x', `sha256:${hex(config)}`, 7]) })
  }
  const list = isTrue(draft, 95) ? [item] : random.pick<Json>([item, null, [null], [item, item], 'text', [[item]], []])
  add(draft, 'manifest.json', documentOf(list))
}

function addLayout(draft: Draft, config: Buffer, layers: readonly DraftLayer[]): void {
  const { random } = draft
  const descriptor = (content: Buffer, mediaType: string): Json => ({
    mediaType: isTrue(draft, 95) ? mediaType : random.pick(mediaTypeChoices),
    digest: isTrue(draft, 95) ? digestOf(content) : strangeDigest(random),
    size: isTrue(draft, 95) ? content.length : random.pick<Json>([0, -1, 2 ** 53, 1.5, 'x'])
  })
  const isOci = random.percent(70)
  let top = documentOf({
    schemaVersion: isTrue(draft, 97) ? 2 : random.below(3),
    mediaType: isOci ? mediaTypes.ociManifest : mediaTypes.dockerManifest,
    config: descriptor(config, mediaTypes.ociConfig),
    layers: layers.map(({ blob }) => descriptor(blob, isOci ? mediaTypes.ociLayer : mediaTypes.dockerLayer))
  })
  let type: string = isOci ? mediaTypes.ociManifest : mediaTypes.dockerManifest
  add(draft, `blobs/sha256/${hex(top)}`, top)
  for (let depth = isTrue(draft, 60) ? 0 : random.below(12); depth > 0; depth--) {
    const platform = random.pick<Json>([undefined, { os: 'linux', architecture: 'amd64' }, { os: 'unknown', architecture: 'unknown' }, 5])
    const entry = { ...(descriptor(top, type) as object), ...(platform !== undefined && { platform }) }
    top = documentOf({
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: isTrue(draft, 80) ? [entry] : [entry, entry, { ...entry, digest: strangeDigest(random) }]
    })
    type = mediaTypes.ociIndex
    if (isTrue(draft, 96)) add(draft, `blobs/sha256/${hex(top)}`, top)
  }
  const annotations = random.pick<Json>([
    undefined,
    { 'io.containerd.image.name': 'docker.io/library/fuzz:1' },
    { 'org.opencontainers.image.ref.name': random.pick(['fuzz:2', 'latest', '../x', 'a/b@sha256:c', '']) },
    { 'io.containerd.image.name': random.pick<Json>([5, '', 'UPPER CASE', null]) },
    'text'
  ])
  add(draft, 'oci-layout', documentOf({ imageLayoutVersion: '1.0.0' }))
  // An index that names itself cannot be made: its digest would have to be in it. One that names its own file can.
  const entry = { ...(descriptor(top, type) as object), ...(annotations !== undefined && { annotations }) }
  add(
    draft,
    'index.json',
    documentOf({
      schemaVersion: 2,
      manifests: isTrue(draft, 90) ? [entry] : random.pick<Json>([[], [entry, entry], {}, null, [entry, 5]])
    })
  )
}

function layerOf(draft: Draft): DraftLayer {
  const { random, prey } = draft
  const archive = random.percent(draft.isHonest ? 80 : 50)
    ? rawArchive({ name: `f${random.below(3)}`, data: 'x'.repeat(random.below(900)) })
    : hostileArchive(random, prey)
  const blob = random.percent(40) ? gzipSync(archive, { level: 1 }) : archive
  return { blob: isTrue(draft, 97) ? blob : mutate(random, blob), diffId: digestOf(archive) }
}

function configOf(draft: Draft, layers: readonly DraftLayer[]): Json {
  const { random } = draft
  const diffIds: Json[] = layers.map(({ diffId }) => diffId)
  if (!isTrue(draft, 92)) diffIds.push(random.pick<Json>([digestOf(Buffer.from('x')), 'sha256:x', 5, null]))
  if (!isTrue(draft, 96)) diffIds.reverse()
  const config = {
    os: isTrue(draft, 95) ? 'linux' : random.pick<Json>(['windows', '', 5]),
    architecture: isTrue(draft, 90) ? 'amd64' : random.pick<Json>(['arm64', '', null, '../x']),
    rootfs: isTrue(draft, 96) ? { type: 'layers', diff_ids: diffIds } : random.pick<Json>([null, [], 'x', {}]),
    config: isTrue(draft, 85)
      ? { Cmd: ['x'], Labels: { n: `${random.below(9)}` } }
      : random.pick<Json>([
          null,
          [],
          { Cmd: 5 },
          { Env: [1] },
          { Volumes: nested(20_000) },
          { ExposedPorts: nested(20_000) },
          { Healthcheck: nested(20_000) }
        ]),
    history: isTrue(draft, 90) ? [{ created_by: 'fuzz' }] : random.pick<Json>([null, {}, [null], [5], [{ created: 5, created_by: [] }]]),
    created: random.pick<Json>(['2024-01-01T00:00:00Z', 'never', 5, undefined])
  }
  return isTrue(draft, 98) ? config : random.pick<Json>([null, [], 'x', 5, {}])
}

/** Objects in each other: JSON text has no limit to that, the stack has one. */
function nested(depth: number): { readonly [raw]: string } {
  return { [raw]: `${'{"a":'.repeat(depth)}{}${'}'.repeat(depth)}` }
}

const raw = Symbol('text that is JSON already')

/** Something that no writer of archives does. */
function twist(draft: Draft): void {
  const { random, members, prey } = draft
  const member = members[random.below(members.length)]
  if (member === undefined) return
  switch (random.below(11)) {
    case 0:
      // Gone.
      members.splice(members.indexOf(member), 1)
      return
    case 1:
      // Twice, the second time with something else in it.
      members.push({ name: member.name, content: random.percent(50) ? Buffer.from('{}') : documentOf([]) })
      return
    case 2:
      // A link in its place, to where nothing good is.
      member.content = { type: random.pick(['1', '2']), linkName: random.percent(50) ? linkTarget(random, prey) : entryPath(draft) }
      return
    case 3: {
      // A link in its place, to itself somewhere else.
      const content = member.content
      member.content = { type: random.pick(['1', '2']), linkName: random.pick(['moved', './moved', 'a/../moved', '/moved']) }
      members.push({ name: 'moved', content })
      return
    }
    case 4:
      members.push({ name: member.name, content: { type: '2', linkName: member.name } })
      return
    case 5:
      members.push({ name: 'a', content: { type: '2', linkName: 'b' } }, { name: 'b', content: { type: '2', linkName: 'a' } })
      return
    case 6:
      member.name = random.pick([
        `./${member.name}`,
        `/${member.name}`,
        `../${member.name}`,
        `x/../${member.name}`,
        `${member.name}/`,
        `${member.name}\0x`
      ])
      return
    case 7:
      // A layer where a document is, or the other way round.
      member.content = random.percent(50) ? Buffer.from('{}') : rawArchive({ name: 'f' })
      return
    case 8:
      member.content = random.pick([
        Buffer.alloc(0),
        Buffer.alloc(1024),
        Buffer.from([0x1f, 0x8b]),
        gzipSync(gzipSync(rawArchive({ name: 'f' }))),
        random.bytes(600)
      ])
      return
    case 9:
      if (Buffer.isBuffer(member.content)) member.content = mutate(random, member.content)
      return
    default:
      members.unshift({ name: entryPath(draft), content: random.percent(50) ? rawArchive({ name: 'f' }) : Buffer.from('[]') })
  }
}

/** A name of the archive, or one that leads out of it. */
function entryPath({ random, prey, members }: Draft): string {
  if (random.percent(30)) return members[random.below(members.length)]?.name ?? 'x'
  return random.pick([
    'a',
    'a/b',
    '',
    '.',
    '..',
    '../x',
    '/etc/passwd',
    'blobs',
    'blobs/sha256',
    'manifest.json',
    '__proto__',
    'x\0y',
    linkTarget(random, prey)
  ])
}

function strangeDigest(random: Random): string {
  return random.pick([
    `sha256:${'0'.repeat(64)}`,
    'sha256:../../../outside/secret',
    `sha256:${'../'.repeat(21)}x`,
    `sha512:${'a'.repeat(128)}`,
    `SHA256:${'A'.repeat(64)}`,
    'sha256:',
    '',
    `md5:${'a'.repeat(32)}`
  ])
}

function memberBlocks(random: Random, { name, content }: Member): Buffer {
  const isLong = name.length > 100
  const header = isLong || random.percent(5) ? paxHeader([['path', name]]) : Buffer.alloc(0)
  const shown = isLong ? 'long' : name
  if (Buffer.isBuffer(content))
    return Buffer.concat([header, rawEntry({ name: shown, data: content, ...(name.endsWith('/') && { type: '5', data: '' }) })])
  const isFar = content.linkName.length > 100
  const link = isFar ? paxHeader([['linkpath', content.linkName]]) : Buffer.alloc(0)
  return Buffer.concat([header, link, rawEntry({ name: shown, type: content.type, linkName: content.linkName.slice(0, 100) })])
}

function add({ members }: Draft, name: string, content: Buffer): void {
  members.push({ name, content })
}

function documentOf(value: Json): Buffer {
  const texts: string[] = []
  const text = JSON.stringify(value, (_, part: Json) => {
    if (typeof part !== 'object' || part === null || !(raw in part)) return part
    texts.push(String(part[raw]))
    return `<${texts.length - 1}>`
  })
  return Buffer.from(texts.reduce((whole, part, index) => whole.replace(`"<${index}>"`, part), text ?? 'null'))
}

const digestOf = (bytes: Buffer): string => `sha256:${hex(bytes)}`

function hex(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
