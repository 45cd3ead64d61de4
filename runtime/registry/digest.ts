import { createHash } from 'node:crypto'
import { EngineError } from '../../src/errors/index.js'

declare const brand: unique symbol

/** A checked content digest, `sha256:<64 lower-case hex>`: OCI image-spec, descriptor.md#digests. */
export type Digest = string & { readonly [brand]: 'Digest' }

/** Hash algorithms a digest may name, with the length of their hex form. */
const hexLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 }

/** Whether `text` is a digest of a known algorithm in its one valid spelling. */
export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(':')
  const length = hexLengths[text.slice(0, Math.max(colon, 0))]
  const hex = text.slice(colon + 1)
  return length !== undefined && hex.length === length && /^[0-9a-f]+$/.test(hex)
}

/** @throws EngineError `invalid_argument` */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw new EngineError(
    'invalid_argument',
    `invalid digest ${JSON.stringify(text)}: it is written as sha256: and 64 lower-case hex digits (sha384 and sha512 with 96 and 128)`,
    { details: { digest: text } }
  )
}

/** SHA-256 of bytes in memory, or of text as UTF-8. */
export function digestOf(content: Uint8Array | string): Digest {
  return `sha256:${createHash('sha256').update(content).digest('hex')}` as Digest // the one spelling isDigest accepts
}

/** The two halves of a digest, as they are used in paths. */
export function digestParts(digest: Digest): { readonly algorithm: string; readonly hex: string } {
  const colon = digest.indexOf(':')
  return { algorithm: digest.slice(0, colon), hex: digest.slice(colon + 1) }
}
