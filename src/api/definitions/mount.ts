import { boolean, integer, lazy, list, map, object, oneOf, string } from '../schema.js'

/** For mounts of type `bind`. */
export interface MountBindOptions {
  readonly Propagation?: 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave' | undefined
  /** Leave out what is mounted below the source. */
  readonly NonRecursive?: boolean | undefined
  /** Make the source where it is missing. */
  readonly CreateMountpoint?: boolean | undefined
  /** Leave what is mounted below writable. Since API 1.44; before that it was always so. */
  readonly ReadOnlyNonRecursive?: boolean | undefined
  /** Fail where what is mounted below cannot be made read-only. */
  readonly ReadOnlyForceRecursive?: boolean | undefined
}

/** Schema of {@link MountBindOptions}. */
export const mountBindOptions = lazy(() =>
  object<MountBindOptions>({
    Propagation: oneOf('private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'),
    NonRecursive: boolean(),
    CreateMountpoint: boolean(),
    ReadOnlyNonRecursive: boolean(),
    ReadOnlyForceRecursive: boolean()
  })
)

/** The driver that makes the volume. */
export interface MountVolumeDriver {
  readonly Name?: string | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link MountVolumeDriver}. */
export const mountVolumeDriver = lazy(() => object<MountVolumeDriver>({ Name: string(), Options: map(string()) }))

/** For mounts of type `volume`. */
export interface MountVolumeOptions {
  /** Do not fill a new volume with what the image has there. */
  readonly NoCopy?: boolean | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  readonly DriverConfig?: MountVolumeDriver | undefined
  /** Folder in the volume, relative, without `..`. */
  readonly Subpath?: string | undefined
}

/** Schema of {@link MountVolumeOptions}. */
export const mountVolumeOptions = lazy(() =>
  object<MountVolumeOptions>({ NoCopy: boolean(), Labels: map(string()), DriverConfig: mountVolumeDriver(), Subpath: string() })
)

/** For mounts of type `image`. */
export interface MountImageOptions {
  /** Folder in the image, relative, without `..`. */
  readonly Subpath?: string | undefined
}

/** Schema of {@link MountImageOptions}. */
export const mountImageOptions = lazy(() => object<MountImageOptions>({ Subpath: string() }))

/** For mounts of type `tmpfs`. */
export interface MountTmpfsOptions {
  /** 0 for no limit. */
  readonly SizeBytes?: number | undefined
  /** Permission bits as a plain number: 511 for 0o777. */
  readonly Mode?: number | undefined
  /** `['noexec']` or `['uid', '1000']` each. */
  readonly Options?: readonly (readonly string[])[] | null | undefined
}

/** Schema of {@link MountTmpfsOptions}. */
export const mountTmpfsOptions = lazy(() =>
  object<MountTmpfsOptions>({ SizeBytes: integer(), Mode: integer(), Options: list(list(string())) })
)

/** One mount of a container. */
export interface Mount {
  /** Path in the container. */
  readonly Target?: string | undefined
  /** Path on the host, volume name or image reference, by type. None for `tmpfs`. */
  readonly Source?: string | undefined
  readonly Type?: 'bind' | 'cluster' | 'image' | 'npipe' | 'tmpfs' | 'volume' | undefined
  readonly ReadOnly?: boolean | undefined
  /** Ignored on Linux. */
  readonly Consistency?: string | undefined
  readonly BindOptions?: MountBindOptions | undefined
  readonly VolumeOptions?: MountVolumeOptions | undefined
  readonly ImageOptions?: MountImageOptions | undefined
  readonly TmpfsOptions?: MountTmpfsOptions | undefined
}

/** Schema of {@link Mount}. */
export const mount = lazy(() =>
  object<Mount>({
    Target: string(),
    Source: string(),
    Type: oneOf('bind', 'cluster', 'image', 'npipe', 'tmpfs', 'volume'),
    ReadOnly: boolean(),
    Consistency: string(),
    BindOptions: mountBindOptions(),
    VolumeOptions: mountVolumeOptions(),
    ImageOptions: mountImageOptions(),
    TmpfsOptions: mountTmpfsOptions()
  })
)
