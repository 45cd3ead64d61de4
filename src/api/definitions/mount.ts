import { boolean, integer, lazy, list, map, object, oneOf, string } from '../schema.js'

export interface MountBindOptions {
  readonly Propagation?: 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave' | undefined
  readonly NonRecursive?: boolean | undefined
  readonly CreateMountpoint?: boolean | undefined
  readonly ReadOnlyNonRecursive?: boolean | undefined
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

export interface MountVolumeDriver {
  readonly Name?: string | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
}

/** Schema of {@link MountVolumeDriver}. */
export const mountVolumeDriver = lazy(() => object<MountVolumeDriver>({ Name: string(), Options: map(string()) }))

export interface MountVolumeOptions {
  readonly NoCopy?: boolean | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  readonly DriverConfig?: MountVolumeDriver | undefined
  readonly Subpath?: string | undefined
}

/** Schema of {@link MountVolumeOptions}. */
export const mountVolumeOptions = lazy(() =>
  object<MountVolumeOptions>({ NoCopy: boolean(), Labels: map(string()), DriverConfig: mountVolumeDriver(), Subpath: string() })
)

export interface MountImageOptions {
  readonly Subpath?: string | undefined
}

/** Schema of {@link MountImageOptions}. */
export const mountImageOptions = lazy(() => object<MountImageOptions>({ Subpath: string() }))

export interface MountTmpfsOptions {
  readonly SizeBytes?: number | undefined
  readonly Mode?: number | undefined
  readonly Options?: readonly (readonly string[])[] | null | undefined
}

/** Schema of {@link MountTmpfsOptions}. */
export const mountTmpfsOptions = lazy(() =>
  object<MountTmpfsOptions>({ SizeBytes: integer(), Mode: integer(), Options: list(list(string())) })
)

export interface Mount {
  readonly Target?: string | undefined
  readonly Source?: string | undefined
  readonly Type?: 'bind' | 'cluster' | 'image' | 'npipe' | 'tmpfs' | 'volume' | undefined
  readonly ReadOnly?: boolean | undefined
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
