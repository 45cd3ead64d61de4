import { lazy, object } from '../schema.js'
import { type Resources, type RestartPolicy, resourcesShape, restartPolicy } from './resources.js'

/** What to change about a container; what is absent or 0 stays. */
export interface ContainerUpdateRequest extends Resources {
  readonly RestartPolicy?: RestartPolicy | undefined
}

/** Schema of {@link ContainerUpdateRequest}. */
export const containerUpdateRequest = lazy(() => object<ContainerUpdateRequest>({ ...resourcesShape(), RestartPolicy: restartPolicy() }))
