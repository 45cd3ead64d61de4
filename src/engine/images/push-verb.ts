import { hostImageReference } from '../../api/host-image.js'
import type { OciPlatform } from '../../api/index.js'
import { EngineError } from '../../errors/index.js'
import { checkAbortable } from '../call-scope.js'
import { checkKeys, checkString, optional, wrongSetting } from '../checks.js'
import type { EngineContext } from '../context.js'
import type { Task } from '../events/task.js'
import { TaskRun } from '../events/task-run.js'
import { checkAuth } from './check-auth.js'
import type { PushOptions, PushResult } from './image.js'
import { splitReference } from './image-reference.js'
import { pushImage } from './push-image.js'
import type { SpecSettings } from './spec-settings.js'

/** `push`: send an image to its registry, telling how it goes. */
export function pushVerb(context: EngineContext, { reference: image }: SpecSettings, options: PushOptions): Task<PushResult> {
  return new TaskRun<PushResult>(async emit => {
    const given = checkKeys('push', options, ['to', 'platform', 'auth', 'signal', 'timeout'])
    const to = optional(checkString, 'push.to', given.to)
    const auth = optional(checkAuth, 'push.auth', given.auth)
    const platform = optional(checkPlatform, 'push.platform', given.platform)
    return pushImage(context, {
      image,
      reference: to === undefined ? checkTagged('push', image) : checkTagged('push.to', to),
      emit,
      ...(platform !== undefined && { platform }),
      ...(auth !== undefined && { auth }),
      ...checkAbortable('push', given)
    })
  })
}

/** Engines read anything before the colon as a repository, and no tag as all tags. */
function checkTagged(path: string, reference: string): string {
  if (reference === hostImageReference) {
    throw new EngineError(
      'not_supported',
      "This machine's root file system is no image that could be pushed: commit a container of it first"
    )
  }
  if (/^sha256:[0-9a-f]{64}$/.test(reference) || reference.includes('@') || splitReference(reference).tag === '') {
    throw wrongSetting(path, 'a name with a tag, which may be given with `to`', reference)
  }
  return reference
}

function checkPlatform(path: string, value: unknown): OciPlatform {
  const [, os, architecture, variant] = /^([\w.-]+)\/([\w.-]+)(?:\/([\w.-]+))?$/.exec(checkString(path, value, expected)) ?? []
  if (os === undefined || architecture === undefined) throw wrongSetting(path, expected, value)
  return { os, architecture, ...(variant !== undefined && { variant }) }
}

const expected = 'text such as linux/arm64'
