import { archiveError } from './archive-error.js'

/** RFC 1952, section 2.3: ten bytes, then what the flags say. */
const fixedBytes = 10
const flagBits = { headerChecksum: 0x02, extra: 0x04, name: 0x08, comment: 0x10, reserved: 0xe0 } as const
const deflateMethod = 8

/**
 * The length of the gzip header that `bytes` begin with; undefined while its end has not come.
 *
 * The optional checksum of the header is skipped: what counts is what the member holds, and that has its own.
 *
 * @throws EngineError `data_loss` where it is no gzip header
 */
export function gzipHeaderLength(bytes: Uint8Array): number | undefined {
  for (const [index, expected] of [0x1f, 0x8b, deflateMethod].entries()) {
    if (bytes.length > index && bytes[index] !== expected) {
      throw archiveError(`its gzip data is damaged (${index < 2 ? 'incorrect header check' : 'unknown compression method'})`)
    }
  }
  const flags = bytes[3]
  if (flags === undefined) return undefined
  if (flags & flagBits.reserved) throw archiveError('its gzip data is damaged (unknown header flags set)')
  let end = fixedBytes
  if (flags & flagBits.extra) {
    if (bytes.length < end + 2) return undefined
    end += 2 + (bytes[end] ?? 0) + 256 * (bytes[end + 1] ?? 0)
  }
  for (const flag of [flagBits.name, flagBits.comment]) {
    if (!(flags & flag)) continue
    const zero = bytes.indexOf(0, end)
    if (zero === -1) return undefined
    end = zero + 1
  }
  if (flags & flagBits.headerChecksum) end += 2
  return bytes.length < end ? undefined : end
}
