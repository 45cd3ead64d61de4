import { EngineError } from '../../src/errors/index.js'

/** How a layer is compressed. */
export type Compression = 'gzip' | 'zstd' | 'none'

/** Bytes that {@link compressionOf} needs to see, where the archive has as many. */
export const signatureBytes = 4

/**
 * Tell the compression from the first bytes; the media type lies often enough. A media type that promises compression
 * is only listened to when there are too few bytes to tell: that is no archive.
 *
 * @throws EngineError `data_loss` for fewer bytes than any compressed archive has
 */
export function compressionOf(first: Buffer, mediaType: string): Compression {
  if (first[0] === 0x1f && first[1] === 0x8b) return 'gzip'
  if (first.length >= signatureBytes) {
    const magic = first.readUInt32LE(0)
    // RFC 8878: a frame, or one of the sixteen kinds of frames to skip.
    if (magic === 0xfd2fb528 || (magic & 0xfffffff0) >>> 0 === 0x184d2a50) return 'zstd'
  }
  if (first.length < signatureBytes && /\+?(?:gzip|zstd)$/.test(mediaType)) {
    throw new EngineError('data_loss', `bad layer archive: it ends after ${first.length} bytes, it is truncated`, {
      details: { mediaType }
    })
  }
  return 'none'
}
