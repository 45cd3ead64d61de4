/** Archives byte by byte, for what no program would write. */
export interface RawEntry {
  readonly name: string
  readonly type?: string
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** The size field. @default the data's length */
  readonly size?: number | Buffer
  readonly mtime?: number
  readonly linkName?: string
  readonly device?: readonly [number, number]
  readonly data?: Buffer | string
  readonly magic?: 'ustar' | 'gnu' | 'v7'
  readonly prefix?: string
  /** Change the finished header before its checksum is made. */
  readonly edit?: (header: Buffer) => void
}

/** A header and its data, padded. Names are latin1. */
export function rawEntry(entry: RawEntry): Buffer {
  const data = Buffer.isBuffer(entry.data) ? entry.data : Buffer.from(entry.data ?? '', 'latin1')
  const header = Buffer.alloc(512)
  header.write(entry.name, 0, 100, 'latin1')
  octal(header, entry.mode ?? 0o644, 100, 8)
  octal(header, entry.uid ?? 0, 108, 8)
  octal(header, entry.gid ?? 0, 116, 8)
  const size = entry.size ?? data.length
  if (typeof size === 'number') octal(header, size, 124, 12)
  else size.copy(header, 124)
  octal(header, entry.mtime ?? 1_000_000_000, 136, 12)
  header.write(entry.type ?? '0', 156, 1, 'latin1')
  header.write(entry.linkName ?? '', 157, 100, 'latin1')
  const magic = entry.magic ?? 'ustar'
  if (magic !== 'v7') header.write(magic === 'gnu' ? 'ustar  \0' : 'ustar\x0000', 257, 8, 'latin1')
  octal(header, entry.device?.[0] ?? 0, 329, 8)
  octal(header, entry.device?.[1] ?? 0, 337, 8)
  header.write(entry.prefix ?? '', 345, 155, 'latin1')
  entry.edit?.(header)
  sealHeader(header)
  return Buffer.concat([header, padded(data)])
}

/** Entries and the end marker. */
export function rawArchive(...parts: readonly (RawEntry | Buffer)[]): Buffer {
  return Buffer.concat([...parts.map(part => (Buffer.isBuffer(part) ? part : rawEntry(part))), Buffer.alloc(1024)])
}

/** A PAX extended header for the entry that follows; values may be bytes. */
export function paxHeader(records: readonly (readonly [string, string | Buffer])[], type: 'x' | 'g' = 'x'): Buffer {
  return rawEntry({ name: 'PaxHeaders/x', type, data: paxRecords(records) })
}

export function paxRecords(records: readonly (readonly [string, string | Buffer])[]): Buffer {
  return Buffer.concat(records.map(([key, value]) => paxRecord(key, Buffer.isBuffer(value) ? value : Buffer.from(value, 'latin1'))))
}

function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')])
  let length = rest.length + 1
  while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length
  return Buffer.concat([Buffer.from(`${length}`), rest])
}

/** Write a header's checksum. */
export function sealHeader(header: Buffer): void {
  header.fill(0x20, 148, 156)
  let sum = 0
  for (const byte of header) sum += byte
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1')
}

export function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((512 - (data.length % 512)) % 512)])
}

export function octal(header: Buffer, value: number, offset: number, length: number): void {
  header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, length, 'latin1')
}
