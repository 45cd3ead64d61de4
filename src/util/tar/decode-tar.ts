import { EngineError } from '../../errors/engine-error.js'
import { ByteReader } from './byte-reader.js'
import { type TarEntry, type TarEntryType, tarBlockBytes } from './tar-entry.js'

/** An entry on its way out of an archive. */
export interface TarItem {
  readonly entry: TarEntry
  /** Its content, while this item is the current one; what is not read is skipped. */
  readonly content: AsyncIterable<Uint8Array>
}

/** Extended headers are names and numbers: what is larger is damage, or an attack. */
const longestHeaderBytes = 1024 ** 2

/** Records that say something here; global ones are kept, so others are not. */
const readKeys: ReadonlySet<string> = new Set(['path', 'linkpath', 'size', 'uid', 'gid', 'mtime'])
const sparseKey = 'GNU.sparse.'

const types: Readonly<Record<string, TarEntryType>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
  '7': 'file'
}

/**
 * The entries of a tar archive (ustar, pax, GNU long names), in order.
 *
 * @throws EngineError `data_loss` where it is damaged or ends too soon, `not_supported` for a file that is stored with holes
 */
export async function* decodeTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarItem, void, undefined> {
  const bytes = new ByteReader(source)
  try {
    let global: Record<string, string> = {}
    let local: Record<string, string> = {}
    for (;;) {
      const block = await bytes.read(tarBlockBytes)
      if (block === undefined || block.every(byte => byte === 0)) return
      checkSum(block)
      const flag = String.fromCharCode(block[156] ?? 0)
      const sizeBytes = number(local.size ?? global.size, block.subarray(124, 136))
      if ('xgLK'.includes(flag)) {
        const text = await extended(bytes, sizeBytes)
        if (flag === 'x') local = { ...local, ...paxRecords(text) }
        if (flag === 'g') global = { ...global, ...paxRecords(text) }
        if (flag === 'L') local.path = cString(text)
        if (flag === 'K') local.linkpath = cString(text)
        continue
      }
      const item = new Content(bytes, hasContent(flag) ? sizeBytes : 0)
      yield { entry: entryOf(block, flag, { ...global, ...local }, item.sizeBytes), content: item }
      await item.skip()
      local = {}
    }
  } finally {
    await bytes.close()
  }
}

/** One entry's content, read at most once. */
class Content implements AsyncIterable<Uint8Array> {
  readonly sizeBytes: number
  readonly #bytes: ByteReader
  #left: number

  constructor(bytes: ByteReader, sizeBytes: number) {
    this.#bytes = bytes
    this.sizeBytes = sizeBytes
    this.#left = sizeBytes
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    while (this.#left > 0) {
      const piece = await this.#bytes.some(this.#left)
      if (piece === undefined) throw damaged('it ends within a file')
      this.#left -= piece.length
      yield piece
    }
  }

  async skip(): Promise<void> {
    for await (const _ of this);
    const padding = (tarBlockBytes - (this.sizeBytes % tarBlockBytes)) % tarBlockBytes
    if (padding > 0) await this.#bytes.read(padding)
  }
}

async function extended(bytes: ByteReader, sizeBytes: number): Promise<Buffer> {
  if (sizeBytes > longestHeaderBytes) throw damaged(`an extended header of ${sizeBytes} bytes`)
  const content = new Content(bytes, sizeBytes)
  const pieces: Uint8Array[] = []
  for await (const piece of content) pieces.push(piece)
  await content.skip()
  return Buffer.concat(pieces)
}

function entryOf(block: Buffer, flag: string, pax: Readonly<Record<string, string>>, sizeBytes: number): TarEntry {
  const field = (from: number, to: number): string => cString(block.subarray(from, to))
  // GNU archives have other things where ustar has a prefix.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? field(345, 500) : ''
  const name = pax.path ?? (prefix === '' ? field(0, 100) : `${prefix}/${field(0, 100)}`)
  const linkName = pax.linkpath ?? field(157, 257)
  if (name.includes('\0') || linkName.includes('\0')) throw damaged('a name holds a NUL byte')
  if (pax[sparseKey] !== undefined) {
    // What is stored of it are its pieces one after the other: taken for its content it would be another file.
    throw new EngineError('not_supported', `The tar archive holds ${JSON.stringify(name)} as a file with holes, which is not read here`, {
      details: { name }
    })
  }
  const isDirectory = flag === '5' || (types[flag] === 'file' && name.endsWith('/'))
  return {
    name: name.length > 1 ? name.replace(/\/+$/, '') : name,
    type: isDirectory ? 'directory' : (types[flag] ?? 'other'),
    sizeBytes,
    mode: octal(block.subarray(100, 108)) & 0o7777,
    uid: number(pax.uid, block.subarray(108, 116)),
    gid: number(pax.gid, block.subarray(116, 124)),
    mtime: new Date((pax.mtime === undefined ? octal(block.subarray(136, 148)) : Number(pax.mtime)) * 1000),
    ...(linkName !== '' && { linkName })
  }
}

/** Links, folders and devices have none, whatever their size says. */
function hasContent(flag: string): boolean {
  return types[flag] === 'file' || types[flag] === undefined
}

function paxRecords(text: Buffer): Record<string, string> {
  const records: Record<string, string> = {}
  for (let at = 0; at < text.length; ) {
    const space = text.indexOf(0x20, at)
    const length = Number(text.toString('latin1', at, space))
    if (space === -1 || !Number.isSafeInteger(length) || length <= space - at) throw damaged('an extended header cannot be read')
    const record = text.toString('utf8', space + 1, at + length - 1)
    const equals = record.indexOf('=')
    const key = record.slice(0, Math.max(0, equals))
    if (readKeys.has(key)) records[key] = record.slice(equals + 1)
    else if (key.startsWith(sparseKey)) records[sparseKey] = ''
    at += length
  }
  return records
}

function number(pax: string | undefined, field: Uint8Array): number {
  const value = pax === undefined ? octal(field) : Number(pax)
  if (!Number.isSafeInteger(value) || value < 0) throw damaged('a number cannot be read')
  return value
}

/** Octal digits, or GNU's base 256 where the first bit is set. */
function octal(field: Uint8Array): number {
  if (((field[0] ?? 0) & 0x80) !== 0) return field.reduce((sum, byte, index) => sum * 256 + (index === 0 ? byte & 0x7f : byte), 0)
  const digits = cString(field).trim()
  return digits === '' ? 0 : /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN
}

function checkSum(block: Uint8Array): void {
  let sum = 0
  for (const [index, byte] of block.entries()) sum += index >= 148 && index < 156 ? 0x20 : byte
  if (octal(block.subarray(148, 156)) !== sum) throw damaged('the checksum of an entry is wrong')
}

function cString(field: Uint8Array): string {
  const end = field.indexOf(0)
  return Buffer.from(end === -1 ? field : field.subarray(0, end)).toString('utf8')
}

function damaged(why: string): EngineError {
  return new EngineError('data_loss', `The tar archive is damaged: ${why}`)
}
