import type { Writable } from 'node:stream'
import { ContainerExport, ImageCommit } from '../../api/index.js'
import { checkAbortable, openCallScope } from '../call-scope.js'
import { checkKeys, checkString, checkStrings, optional, wrongSetting } from '../checks.js'
import { call, callWith, type EngineContext } from '../context.js'
import { checkArchiveTarget, writeArchive } from '../files/write-archive.js'
import type { Container, Image } from '../handles.js'
import { splitReference } from '../images/image-reference.js'
import { inspectImage } from '../images/pull-image.js'
import type { Abortable } from '../values.js'
import type { CommitOptions } from './container.js'

/** `docker export`: a container's whole file system as a tar archive, into a file or a stream. A file that is cut short is removed. */
export async function exportContainer(
  context: EngineContext,
  container: Container,
  target: string | Writable,
  options: Abortable
): Promise<void> {
  const limits = checkAbortable('export', checkKeys('export', options, ['signal', 'timeout']))
  const sink = checkArchiveTarget('export', target)
  const scope = openCallScope(`export of container ${container.name}`, limits, context.session.closing)
  try {
    const archive = await callWith(context, ContainerExport, { path: { id: container.id } }, { signal: scope.signal })
    await writeArchive(archive, sink, scope.signal)
  } finally {
    scope.release()
  }
}

/** `docker commit`: an image of a container as it is now. */
export async function commitContainer(
  context: EngineContext,
  container: Container,
  reference: string | undefined,
  options: CommitOptions
): Promise<Image> {
  const given = checkKeys('commit', options, ['message', 'author', 'changes', 'signal', 'timeout'])
  const limits = checkAbortable('commit', given)
  const named = optional(checkReference, 'commit', reference)
  const message = optional(checkString, 'commit.message', given.message)
  const author = optional(checkString, 'commit.author', given.author)
  const changes = optional(checkStrings, 'commit.changes', given.changes)
  const { name, tag } = named === undefined ? {} : splitReference(named)
  const query = {
    container: container.id,
    ...(name !== undefined && { repo: name }),
    ...(tag !== undefined && { tag }),
    ...(message !== undefined && { comment: message }),
    ...(author !== undefined && { author }),
    ...(changes && { changes })
  }
  // It moves data: how long that takes is the caller's to say.
  const { Id } = await call(context, ImageCommit, { query }, { timeoutMs: Number.POSITIVE_INFINITY, ...limits })
  return context.imageOf({ reference: named ?? Id }, await inspectImage(context, Id))
}

function checkReference(path: string, value: unknown): string {
  const reference = checkString(path, value, 'an image reference as text')
  if (reference.includes('@')) throw wrongSetting(path, 'a reference without a digest', value)
  return reference
}
