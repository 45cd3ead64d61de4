import { archiveError } from './archive-error.js'

/** How most archives spell their names: `./a/b`, directories with a slash at the end. */
const leadingDot = './'

/** Anything that is not a plain `a/b/c`: empty, `.` or `..` components, leading or trailing slashes. */
const needsWork = /(?:^|\/)\.{0,2}(?:\/|$)/

/** PATH_MAX of Linux, without the byte that ends it. */
const longestName = 4095

/**
 * An entry's name as a path below the layer's root, '' for the root itself. Absolute names are taken from the root;
 * `..` is resolved in the text, as in Docker.
 *
 * @throws EngineError `data_loss` for a name that leaves the root
 */
export function entryPath(name: string): string {
  if (name.length > longestName) throw archiveError(`an entry's name has ${name.length} bytes, more than any system takes`)
  const start = name.startsWith(leadingDot) ? leadingDot.length : 0
  const plain = name.slice(start, name.endsWith('/') ? -1 : undefined)
  if (!needsWork.test(plain)) return plain
  const parts: string[] = []
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) throw archiveError(`entry ${name} leaves the layer's root`, { name })
  }
  return parts.join('/')
}

/** Directory and last component of a path from {@link entryPath}. */
export function splitPath(path: string): readonly [directory: string, base: string] {
  const slash = path.lastIndexOf('/')
  return slash === -1 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)]
}

const beyondAscii = /[^\0-\x7f]/

/** A path for Node's fs: names are bytes as latin1 strings, and only ASCII means the same as text. */
export function onDisk(path: string): string | Buffer {
  return beyondAscii.test(path) ? bytesOf(path) : path
}

/** The bytes of a latin1 string. */
export function bytesOf(path: string): Buffer {
  return Buffer.from(path, 'latin1')
}

/** A path given as text, as bytes in a latin1 string. */
export function fromText(path: string): string {
  return beyondAscii.test(path) ? Buffer.from(path).toString('latin1') : path
}
