export type { SignatureFormat, SignatureStorage } from './api/definitions/image-sign.js'
export type { TrustedRoot, TrustPolicy, TrustRule, TrustRules } from './api/trust-policy.js'
export type {
  AttachOptions,
  CommitOptions,
  ConnectOptions,
  ContainerNetworks,
  ContainerProcess,
  ContainerState,
  FileChange,
  LogOptions,
  Logs,
  Stats,
  StatsOptions,
  StatsStream
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
  PruneOptions,
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
  ImageLoadProgressEvent,
  ImagePulledEvent,
  ImagePullProgressEvent,
  ImagePushedEvent,
  ImagePushProgressEvent,
  ResourceEvent
} from './engine/events/engine-event.js'
export type { Task } from './engine/events/task.js'
export type { ContainerFiles, FolderEntry, WriteOptions } from './engine/files/files.js'
export type { Container, Image, ImageSpec, RunOf } from './engine/handles.js'
export type {
  CreateOptions,
  HealthOptions,
  ImageDetails,
  ImageStep,
  ImportOptions,
  Limits,
  NetworkPlace,
  PullOptions,
  PushOptions,
  PushResult,
  RawCreate,
  RestartPolicy,
  SaveOptions,
  Security,
  SignedImage,
  SignOptions
} from './engine/images/image.js'
export type { Network, NetworkOptions } from './engine/networks/network.js'
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
export type { RegistryServer, RegistryServerOptions } from './engine/registries/registry-server.js'
export type { Abortable, Auth, Digest, Duration, Platform, PortSpec, Size } from './engine/values.js'
export {
  type CopySource,
  copy,
  type HostMountOptions,
  host,
  type MountSource,
  type TmpfsOptions,
  tmpfs
} from './engine/volumes/mount-source.js'
export type { Volume, VolumeOptions } from './engine/volumes/volume.js'
export { EngineError, type EngineErrorOptions, type ErrorCode, ExitError, type ExitErrorFields, errorCodes } from './errors/index.js'
export type { ListenOptions, TransportKind } from './transport/transport.js'
