import { sealHeader } from '../unit/runtime/layers/tar-builder.js'
import type { Random } from './random.js'

/** The same bytes with something done to them; often with the checksums put right, so that a reader takes them. */
export function mutate(random: Random, bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes
  let changed: Buffer = Buffer.from(bytes)
  for (let times = 1 + random.below(4); times > 0; times--) changed = mutateOnce(random, changed)
  return random.percent(70) ? resealed(changed) : changed
}

function mutateOnce(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length)
  const block = Math.floor(at / 512) * 512
  switch (random.below(7)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      bytes[at] = random.below(256)
      return bytes
    case 2:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
      return bytes
    case 3:
      // A block twice.
      return Buffer.concat([bytes.subarray(0, block + 512), bytes.subarray(block)])
    case 4:
      // A block gone.
      return Buffer.concat([bytes.subarray(0, block), bytes.subarray(block + 512)])
    case 5:
      bytes.set(random.bytes(Math.min(8, bytes.length - at)), at)
      return bytes
    default:
      // The type of an entry, where one begins.
      if (block + 156 < bytes.length) bytes[block + 156] = 0x30 + random.below(8)
      return bytes
  }
}

/** Every block that may be a header gets the checksum of what it now holds. */
function resealed(bytes: Buffer): Buffer {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    const block = bytes.subarray(at, at + 512)
    if (/^[0-7 ]{6}/.test(block.toString('latin1', 148, 154))) sealHeader(block)
  }
  return bytes
}
