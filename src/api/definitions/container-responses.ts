/** The container that was made. */
export interface ContainerCreateResponse {
  readonly Id: string
  readonly Warnings: readonly string[]
}

/** What the engine has to say about an update. */
export interface ContainerUpdateResponse {
  readonly Warnings: readonly string[] | null
}

/** Why waiting failed. */
export interface ContainerWaitExitError {
  readonly Message?: string | undefined
}

/** How a container ended. */
export interface ContainerWaitResponse {
  /** Its exit code. */
  readonly StatusCode: number
  readonly Error?: ContainerWaitExitError | null | undefined
}

/** The processes in a container, as `ps` lists them. */
export interface ContainerTopResponse {
  readonly Titles: readonly string[]
  readonly Processes: readonly (readonly string[])[]
}

/** A path that differs from the image. */
export interface FilesystemChange {
  readonly Path: string
  /** 0 changed, 1 added, 2 deleted. */
  readonly Kind: 0 | 1 | 2
}
