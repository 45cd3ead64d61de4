export interface ContainerCreateResponse {
  readonly Id: string
  readonly Warnings: readonly string[]
}

export interface ContainerUpdateResponse {
  readonly Warnings: readonly string[]
}

export interface ContainerWaitExitError {
  readonly Message?: string | undefined
}

export interface ContainerWaitResponse {
  readonly StatusCode: number
  readonly Error?: ContainerWaitExitError | undefined
}

export interface ContainerTopResponse {
  readonly Titles: readonly string[]
  readonly Processes: readonly (readonly string[])[]
}

export interface FilesystemChange {
  readonly Path: string
  readonly Kind: 0 | 1 | 2
}
