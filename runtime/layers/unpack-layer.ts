import { createHash } from 'node:crypto'
import { EngineError, type ErrorCode } from '../../src/errors/index.js'
import { errnoOf, SystemCallError } from '../host/system-call-error.js'
import type { AppliedLayer } from './apply-layer.js'
import { archiveError } from './archive-error.js'
import { decompress } from './decompress.js'
import { LayerWriter } from './layer-writer.js'
import { TarReader } from './tar-reader.js'

/**
 * What may follow the end of an archive. Writers pad it to some KiB; zeros without end cost nearly nothing to send compressed, and everything that
 * comes has to be hashed.
 */
const mostTrailingBytes = 256 * 1024 * 1024

export interface UnpackLayerOptions {
  readonly mediaType: string
  readonly directory: string
  /** Called with each piece of the source that is not needed any more. */
  readonly onConsumed?: (bytes: Buffer) => void
}

/**
 * Unpack a layer on this thread: inflated on libuv's pool, hashed, read and written here. Files are written
 * synchronously, so this is for a worker thread; it gives way between blocks of up to 1 MiB.
 *
 * @throws EngineError as `ApplyLayer` does, and whatever `source` throws
 */
export async function unpackLayer(source: AsyncIterable<Buffer>, options: UnpackLayerOptions): Promise<AppliedLayer> {
  const { directory, mediaType, onConsumed } = options
  const hash = createHash('sha256')
  const writer = explaining('the root', directory, () => new LayerWriter(directory))
  const write = (work: () => void) => explaining(() => writer.entryName, directory, work)
  const reader = new TarReader(writer)
  let trailingBytes = 0
  try {
    for await (const block of decompress(source, { mediaType, ...(onConsumed && { onConsumed }) })) {
      hash.update(block)
      if (reader.isEnded) trailingBytes += block.length
      if (trailingBytes > mostTrailingBytes) throw archiveError(`more than ${mostTrailingBytes} bytes follow its end`)
      write(() => reader.push(block))
    }
    reader.finish()
    write(() => writer.finish())
    return { diffId: `sha256:${hash.digest('hex')}`, sizeBytes: writer.sizeBytes }
  } finally {
    writer.close()
  }
}

function explaining<T>(entry: string | (() => string), directory: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw explained(error, typeof entry === 'string' ? entry : entry(), directory)
  }
}

/** A failed system call, with the entry it was made for and what to do about it. */
function explained(error: unknown, entry: string, directory: string): unknown {
  const errno = EngineError.is(error) && !(error instanceof SystemCallError) ? undefined : errnoOf(error)
  if (errno === undefined) return error
  const { code, advice } = verdicts[errno] ?? { code: 'failed', advice: '' }
  const said = error instanceof Error ? error.message : String(error)
  return new EngineError(code, `unpacking ${entry} into ${directory} failed: ${said}${advice}`, {
    details: { entry, directory, errno },
    cause: error
  })
}

const full = { code: 'resource_exhausted', advice: '. Free some space there, or use a data root on another filesystem' } as const
const malformed = { code: 'data_loss', advice: '. No filesystem can hold such an entry: the archive is damaged or hostile' } as const
const forbidden = { code: 'permission_denied', advice: '. Unpacking layers takes root and a writable filesystem' } as const

const verdicts: Readonly<Record<string, { readonly code: ErrorCode; readonly advice: string }>> = {
  ENOSPC: full,
  EDQUOT: full,
  EMLINK: { code: 'resource_exhausted', advice: '. This filesystem takes no more names of one file' },
  EMFILE: { code: 'resource_exhausted', advice: '. Raise the limit of open files' },
  ENFILE: { code: 'resource_exhausted', advice: '. Raise the limit of open files' },
  ENAMETOOLONG: malformed,
  EFBIG: malformed,
  ELOOP: malformed,
  ENOTDIR: malformed,
  EISDIR: malformed,
  // Device numbers, names and values of attributes that the kernel does not take.
  EINVAL: malformed,
  ERANGE: malformed,
  E2BIG: malformed,
  EPERM: forbidden,
  EACCES: forbidden,
  EROFS: forbidden,
  ENOSYS: { code: 'not_supported', advice: '. Install the package koffi (`npm i koffi`)' }
}
