import { lazy, object } from '../schema.js'
import { type ContainerConfig, containerConfigShape } from './container-config.js'
import { type NetworkingConfig, networkingConfig } from './endpoint-settings.js'
import { type HostConfig, hostConfig } from './host-config.js'

/** A container to make: its configuration, how it stands on the host, and its networks. */
export interface ContainerCreateRequest extends ContainerConfig {
  readonly HostConfig?: HostConfig | undefined
  readonly NetworkingConfig?: NetworkingConfig | undefined
}

/** Schema of {@link ContainerCreateRequest}. */
export const containerCreateRequest = lazy(() =>
  object<ContainerCreateRequest>({ ...containerConfigShape(), HostConfig: hostConfig(), NetworkingConfig: networkingConfig() })
)
