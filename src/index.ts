export type {
  AttachOptions,
  Container,
  ContainerState,
  LogOptions,
  Logs
} from './engine/containers/container.js'
export { createEngine } from './engine/create-engine.js'
export type {
  Candidate,
  Capabilities,
  ContainerFilter,
  Engine,
  EngineInfo,
  EngineOptions,
  EventFilter,
  ImageFilter,
  Listener,
  RegistryOptions
} from './engine/engine.js'
export type {
  ContainerExitedEvent,
  ContainerHealthEvent,
  ContainerStepEvent,
  EngineEvent,
  EngineEvents,
  EventOf,
  GapEvent,
  ImageChangedEvent,
  ImagePulledEvent,
  ImagePullProgressEvent,
  ResourceEvent
} from './engine/events/engine-event.js'
export type { Task } from './engine/events/task.js'
export type {
  CreateOptions,
  Image,
  ImageDetails,
  ImageSpec,
  Limits,
  PullOptions,
  RawCreate,
  RunOf,
  Security
} from './engine/images/image.js'
export type {
  ExecOptions,
  Output,
  PipeProcess,
  PipeResult,
  ProcessBase,
  PullPolicy,
  RunOptions,
  Terminal,
  TtyProcess,
  TtyResult
} from './engine/processes/process.js'
export type { Abortable, Auth, Digest, Duration, Platform, PortSpec, Size } from './engine/values.js'
export { EngineError, type EngineErrorOptions, type ErrorCode, ExitError, type ExitErrorFields, errorCodes } from './errors/index.js'
export type { ListenOptions, TransportKind } from './transport/transport.js'
