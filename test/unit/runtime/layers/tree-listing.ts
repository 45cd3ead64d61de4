import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import koffi from 'koffi'

const libc = koffi.load(null)
const llistxattr = libc.func('llistxattr', 'long', ['void *', 'void *', 'size_t'])
const lgetxattr = libc.func('lgetxattr', 'long', ['void *', 'str', 'void *', 'size_t'])

/** What is on disk under one name. */
export interface ListedFile {
  readonly mode: string
  readonly owner: string
  readonly sizeBytes: number
  readonly links: number
  readonly modified: bigint
  readonly device: string
  readonly attributes: Readonly<Record<string, string>>
  readonly content: string
}

/** Everything below a directory, and itself as '.', by relative name. Names are latin1. */
export function listTree(root: string): Readonly<Record<string, ListedFile>> {
  const found: Record<string, ListedFile> = {}
  const pending = ['.']
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const file = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name, 'latin1')])
    found[name] = describe(file)
    if (!lstatSync(file).isDirectory()) continue
    for (const child of readdirSync(file, 'latin1')) pending.push(name === '.' ? child : `${name}/${child}`)
  }
  return found
}

function describe(file: Buffer): ListedFile {
  const stats = lstatSync(file, { bigint: true })
  return {
    mode: stats.mode.toString(8),
    owner: `${stats.uid}:${stats.gid}`,
    sizeBytes: stats.isDirectory() ? 0 : Number(stats.size),
    links: stats.isDirectory() ? 0 : Number(stats.nlink),
    modified: stats.mtimeNs,
    device: stats.isCharacterDevice() || stats.isBlockDevice() ? stats.rdev.toString(16) : '',
    attributes: attributesOf(file),
    content: contentOf(file, stats)
  }
}

function contentOf(file: Buffer, stats: { isFile(): boolean; isSymbolicLink(): boolean }): string {
  if (stats.isFile()) return createHash('sha256').update(readFileSync(file)).digest('hex')
  return stats.isSymbolicLink() ? readlinkSync(file) : ''
}

/** Extended attributes, values in hex. */
export function attributesOf(file: Buffer): Readonly<Record<string, string>> {
  const terminated = Buffer.concat([file, Buffer.alloc(1)])
  const names = Buffer.alloc(4096)
  const length: number = llistxattr(terminated, names, names.length)
  const found: Record<string, string> = {}
  for (const name of names.toString('utf8', 0, Math.max(length, 0)).split('\0').filter(Boolean)) {
    const value = Buffer.alloc(4096)
    const size: number = lgetxattr(terminated, name, value, value.length)
    found[name] = value.toString('hex', 0, size)
  }
  return found
}
