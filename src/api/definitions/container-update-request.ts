import { lazy, object } from '../schema.js'
import { type Resources, type RestartPolicy, resourcesShape, restartPolicy } from './resources.js'

export interface ContainerUpdateRequest extends Resources {
  readonly RestartPolicy?: RestartPolicy | undefined
}

/** Schema of {@link ContainerUpdateRequest}. */
export const containerUpdateRequest = lazy(() => object<ContainerUpdateRequest>({ ...resourcesShape(), RestartPolicy: restartPolicy() }))
