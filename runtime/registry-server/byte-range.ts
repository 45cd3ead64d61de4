import { Refusal } from './refusal.js'

/** Bytes of something, both ends included. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/**
 * Read a request's `Range` (RFC 9110, section 14.2) for something of a known size.
 *
 * @returns undefined where the whole is to be sent: no range, more than one, or one in another unit or that cannot be read
 * @throws Refusal `RANGE_INVALID` (416) for a range that has nothing in it
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const match = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '')
  if (match === null) return undefined
  const [, from = '', to = ''] = match
  if (from === '' && to === '') return undefined
  const last = sizeBytes - 1
  const range =
    from === ''
      ? { first: Math.max(0, sizeBytes - Number(to)), last }
      : { first: Number(from), last: to === '' ? last : Math.min(Number(to), last) }
  // The last byte before the first one makes the header invalid, which is as if it were not there.
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined
  if (range.first <= range.last) return range
  throw new Refusal('RANGE_INVALID', `there are ${sizeBytes} bytes: ${header} has none of them`, {
    headers: { 'content-range': `bytes */${sizeBytes}` }
  })
}

/**
 * Read the `Content-Range` of a piece of an upload: `<first>-<last>`, as the distribution specification has it, or HTTP's
 * `bytes <first>-<last>/<size>`.
 *
 * @throws Refusal `BLOB_UPLOAD_INVALID` for what cannot be read
 */
export function parseContentRange(header: string | undefined): ByteRange | undefined {
  if (header === undefined) return undefined
  const match = /^(?:bytes\s+)?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(header.trim())
  const range = { first: Number(match?.[1]), last: Number(match?.[2]) }
  if (match !== null && range.first <= range.last) return range
  throw new Refusal('BLOB_UPLOAD_INVALID', `Content-Range ${JSON.stringify(header)} cannot be read: it is written <first>-<last>`)
}
