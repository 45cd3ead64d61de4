import { type TarEntry, type TarEntryType, tarBlockBytes } from './tar-entry.js'

/** An entry to write; what is left out has a default. */
export type NewTarEntry = Pick<TarEntry, 'name' | 'type'> & Partial<TarEntry>

const typeFlags: Readonly<Record<Exclude<TarEntryType, 'other'>, string>> = { file: '0', hardlink: '1', symlink: '2', directory: '5' }

/** The largest number that fits in eleven octal digits. */
const largestOctal = 8 ** 11 - 1

const nameBytes = 100

/**
 * The blocks before an entry's content: POSIX.1-2001 ustar, and before it a pax header for what does not fit (names that are long or not
 * ASCII, sizes from 8 GiB on).
 */
export function encodeTarHeader(entry: NewTarEntry): Uint8Array {
  const name = entry.type === 'directory' ? `${entry.name}/` : entry.name
  const linkName = entry.linkName ?? ''
  const sizeBytes = entry.sizeBytes ?? 0
  const records = [
    ...(fits(name) ? [] : [paxRecord('path', name)]),
    ...(fits(linkName) ? [] : [paxRecord('linkpath', linkName)]),
    ...(sizeBytes <= largestOctal ? [] : [paxRecord('size', String(sizeBytes))])
  ]
  const header = ustar(entry, { name, linkName, sizeBytes, flag: typeFlags[entry.type === 'other' ? 'file' : entry.type] })
  if (records.length === 0) return header
  const pax = Buffer.concat(records)
  const before = ustar({ ...entry, mode: 0o644 }, { name: 'pax', linkName: '', sizeBytes: pax.length, flag: 'x' })
  return Buffer.concat([before, pax, tarPadding(pax.length), header])
}

/** The zeros that fill up the last block of a content. */
export function tarPadding(sizeBytes: number): Uint8Array {
  return new Uint8Array((tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes)
}

/** The end of an archive: two empty blocks. */
export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * tarBlockBytes)
}

interface Fields {
  readonly name: string
  readonly linkName: string
  readonly sizeBytes: number
  readonly flag: string
}

function ustar(entry: NewTarEntry, { name, linkName, sizeBytes, flag }: Fields): Buffer {
  const block = Buffer.alloc(tarBlockBytes)
  const octal = (value: number, at: number, width: number): void => {
    block.write(
      `${Math.max(0, Math.trunc(value))
        .toString(8)
        .padStart(width - 1, '0')}\0`,
      at,
      'latin1'
    )
  }
  // What does not fit is cut off here, and whole in the pax header.
  block.write(name, 0, nameBytes, 'utf8')
  octal((entry.mode ?? (flag === '5' ? 0o755 : 0o644)) & 0o7777, 100, 8)
  octal(Math.min(entry.uid ?? 0, 0o7777777), 108, 8)
  octal(Math.min(entry.gid ?? 0, 0o7777777), 116, 8)
  octal(sizeBytes > largestOctal ? 0 : sizeBytes, 124, 12)
  octal((entry.mtime ?? new Date()).getTime() / 1000, 136, 12)
  block.write('        ', 148, 'latin1')
  block.write(flag, 156, 'latin1')
  block.write(linkName, 157, nameBytes, 'utf8')
  block.write('ustar\x0000', 257, 'latin1')
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function fits(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is not ASCII goes into the pax header
  return text.length <= nameBytes && /^[\x00-\x7f]*$/.test(text)
}

/** `length key=value\n`, the length counting itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  if (rest + String(length).length !== length) length = rest + String(length).length
  return Buffer.from(`${length} ${key}=${value}\n`)
}
