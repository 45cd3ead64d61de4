import { checkTrustPolicy } from '../../api/index.js'
import { checkAbortable } from '../call-scope.js'
import { checkKeys, checkOneOf, optional } from '../checks.js'
import type { EngineContext } from '../context.js'
import type { Task } from '../events/task.js'
import { TaskRun } from '../events/task-run.js'
import type { Image } from '../handles.js'
import type { Auth } from '../values.js'
import { checkAuth } from './check-auth.js'
import type { PullOptions } from './image.js'
import { pullImage } from './pull-image.js'

import type { SpecSettings } from './spec-settings.js'

/** `pull`: fetch an image, telling how it goes. */
export function pullVerb(context: EngineContext, spec: SpecSettings, options: PullOptions): Task<Image> {
  return new TaskRun<Image>(async emit => {
    const given = checkKeys('pull', options, ['policy', 'auth', 'verify', 'signal', 'timeout'])
    const auth: Auth | undefined = optional(checkAuth, 'pull.auth', given.auth)
    const verify = optional(checkTrustPolicy, 'pull.verify', given.verify)
    const facts = await pullImage(context, {
      reference: spec.reference,
      policy: given.policy === undefined ? 'always' : checkOneOf('pull.policy', given.policy, ['missing', 'always', 'never']),
      emit,
      ...(spec.platform !== undefined && { platform: spec.platform }),
      ...(auth !== undefined && { auth }),
      ...(verify !== undefined && { verify }),
      ...checkAbortable('pull', given)
    })
    return context.imageOf(spec, facts)
  })
}
