import type { Random } from './random.js'

/** Where an archive tries to get to: folders that are there, and a name that nothing has. */
export interface Prey {
  /** Absolute path of a folder outside the target. */
  readonly outside: string
  /** How many folders up from the target's root the one is that both are in. */
  readonly depth: number
  /** What the archive tries to make where nothing is. */
  readonly token: string
}

type Parts = readonly [string, ...string[]]

/** Few, so that entries meet. */
const plain: Parts = ['a', 'b', 'c', 'd', 'l', 'f']

const whiteouts: Parts = [
  '.wh.a',
  '.wh.b',
  '.wh.l',
  '.wh..wh..opq',
  '.wh.',
  '.wh..',
  '.wh...',
  '.wh..wh.x',
  '.wh..wh..opq.',
  '.wh..wh.plnk'
]

const odd: Parts = [
  '.',
  '..',
  '',
  '...',
  ' ',
  '\n',
  '\\',
  '-rf',
  '\xff\xfe',
  '\xc3\xa4',
  '\xed\xa0\x80',
  'n'.repeat(99),
  'n'.repeat(100),
  'n'.repeat(255),
  'n'.repeat(256),
  'a\0b'
]

/** A name for an entry. */
export function entryName(random: Random, prey: Prey): string {
  const kind = random.below(100)
  if (kind < 55) return path(random, plain, 3)
  if (kind < 68) return `${random.percent(60) ? `${path(random, plain, 2)}/` : ''}${random.pick(whiteouts)}`
  if (kind < 80) return path(random, [...plain, ...odd] as unknown as Parts, 4)
  if (kind < 92) return wayOut(random, prey)
  if (kind < 94) return `${'d/'.repeat(1 + random.below(60))}f`
  // Around PATH_MAX; seldom, because two thousand folders take their time.
  if (kind < 95) return random.percent(5) ? `${'n/'.repeat(2040 + random.below(20))}f` : 'n'.repeat(4095)
  if (kind < 97) return random.bytes(1 + random.below(12)).toString('latin1')
  return `${path(random, plain, 2)}${random.pick(['/', '//', '/.', '/..', '/./', '/../..'])}`
}

/** A name that no reader refuses: in the target, often below what may be a link by now. */
export function sneakyName(random: Random, names: readonly string[]): string {
  const known = names[random.below(names.length)]
  const below = random.pick([
    'secret',
    'a',
    'b',
    'f',
    'folder',
    'inner/f',
    'outside/secret',
    '.wh.secret',
    '.wh.a',
    '.wh..wh..opq',
    'a/../b'
  ])
  if (known !== undefined && !known.includes('.wh.') && random.percent(50)) return random.percent(50) ? known : `${known}/${below}`
  return `${random.pick(['', '', './', '/'])}${path(random, plain, 3)}`
}

/** What a link says, as a path that the kernel or the unpacker follows. */
export function linkTarget(random: Random, prey: Prey): string {
  const kind = random.below(100)
  if (kind < 45) return path(random, plain, 3)
  if (kind < 60) return `${random.pick(['/', './', '../', '../../', '/../'])}${path(random, plain, 2)}`
  if (kind < 90) return wayOut(random, prey)
  return entryName(random, prey)
}

/** A way out: up, absolute, or through what may be a link. */
function wayOut(random: Random, { outside, depth, token }: Prey): string {
  const up = '../'.repeat(random.percent(70) ? depth : 1 + random.below(depth + 20))
  const name = outside.split('/').at(-1) ?? ''
  const within = random.pick(['', '/secret', '/folder', '/folder/inner', '/link', '/pipe', `/${token}`, '/.wh.secret'])
  const from = random.pick(['', '', `${random.pick(plain)}/`, `${random.pick(plain)}/../`, './', '//'])
  switch (random.below(6)) {
    case 0:
      return `${outside}${within}`
    case 1:
      return `/${token}`
    case 2:
      return `/proc/self/root${outside}${within}`
    case 3:
      return `${random.pick(plain)}${within === '' ? '/secret' : within}`
    default:
      return `${from}${up}${name}${within}`
  }
}

function path(random: Random, parts: Parts, most: number): string {
  return Array.from({ length: 1 + random.below(most) }, () => random.pick(parts)).join('/')
}
