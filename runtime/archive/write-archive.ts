import { setImmediate } from 'node:timers/promises'
import { EngineError, type ErrorCode } from '../../src/errors/index.js'
import type { RootedFolder } from '../host/host.js'
import { errnoOf } from '../host/system-call-error.js'
import { decompress } from '../layers/decompress.js'
import { TarReader } from '../layers/tar-reader.js'
import { FolderWriter, type FolderWriterOptions } from './folder-writer.js'

/** What is written in one go, before others have a turn. */
const stepBytes = 1024 * 1024

/** Compressions that Docker reads by programs, and nothing here does. */
const refused = [
  { name: 'xz', signature: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]) },
  { name: 'bzip2', signature: Buffer.from('BZh') }
]

/**
 * Unpack an archive, plain or compressed by gzip or zstd, into a folder of a container. What was written when it fails stays, as in Docker.
 *
 * @param folder absolute path in the container, without links
 * @throws EngineError `invalid_argument` for a malformed archive, and entries that leave the folder or do not fit in; `not_supported` for
 *   bzip2 and xz; `permission_denied` on a read-only filesystem; `resource_exhausted` where it is full; the signal's reason
 */
export async function writeArchive(
  root: RootedFolder,
  folder: string,
  archive: AsyncIterable<Uint8Array>,
  options: FolderWriterOptions & { readonly signal: AbortSignal }
): Promise<void> {
  const writer = new FolderWriter(root, folder, options)
  const reader = new TarReader(writer)
  try {
    for await (const block of decompress(steps(archive), { mediaType: 'application/x-tar' })) {
      options.signal.throwIfAborted()
      reader.push(block)
    }
    reader.finish()
    writer.finish()
  } catch (error) {
    options.signal.throwIfAborted()
    throw explained(error, folder)
  } finally {
    writer.close()
  }
}

async function* steps(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let isFirst = true
  for await (const { buffer, byteOffset, byteLength } of archive) {
    const piece = Buffer.from(buffer, byteOffset, byteLength)
    if (isFirst && byteLength > 0) {
      checkCompression(piece)
      isFirst = false
    }
    for (let at = 0; at < piece.length; at += stepBytes) {
      if (at > 0) await setImmediate()
      yield piece.subarray(at, at + stepBytes)
    }
  }
}

function checkCompression(first: Buffer): void {
  const found = refused.find(({ signature }) => first.subarray(0, signature.length).equals(signature))
  if (found === undefined) return
  throw new EngineError('not_supported', `the archive is compressed with ${found.name}, which is not read here: use gzip, zstd or none`)
}

const verdicts: Readonly<Record<string, { readonly code: ErrorCode; readonly why: string }>> = {
  EROFS: { code: 'permission_denied', why: 'the filesystem is read-only' },
  EACCES: { code: 'permission_denied', why: 'permission denied' },
  EPERM: { code: 'permission_denied', why: 'operation not permitted' },
  ENOSPC: { code: 'resource_exhausted', why: 'no space left on the device' },
  EDQUOT: { code: 'resource_exhausted', why: 'the quota is used up' },
  EFBIG: { code: 'resource_exhausted', why: 'a file is too large for the filesystem' },
  ENAMETOOLONG: { code: 'invalid_argument', why: 'a name is too long' },
  EINVAL: { code: 'invalid_argument', why: 'an entry holds what no filesystem takes' },
  ERANGE: { code: 'invalid_argument', why: 'the name of an attribute is too long' },
  E2BIG: { code: 'invalid_argument', why: 'an attribute is too large' },
  ELOOP: { code: 'invalid_argument', why: 'too many links on the way' },
  ENOTDIR: { code: 'invalid_argument', why: 'a file stands where a directory is needed' },
  EEXIST: { code: 'conflict', why: 'the container made something of the same name meanwhile' },
  EBUSY: { code: 'conflict', why: 'something is mounted in the place of an entry' }
}

function explained(error: unknown, folder: string): unknown {
  if (EngineError.is(error) && error.code === 'data_loss') {
    // Of a request it is the caller's fault.
    return new EngineError('invalid_argument', error.message.replace('bad layer archive', 'bad archive'), {
      details: error.details,
      cause: error
    })
  }
  if (EngineError.is(error) && error.code === 'conflict')
    return new EngineError('invalid_argument', error.message, { details: error.details, cause: error })
  const errno = errnoOf(error)
  const verdict = verdicts[errno ?? '']
  if (verdict === undefined) return error
  return new EngineError(verdict.code, `cannot write to ${folder} in the container: ${verdict.why}`, {
    details: { folder, errno },
    cause: error
  })
}
