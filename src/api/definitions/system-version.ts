import type { Empty } from '../schema.js'

export interface SystemVersionPlatform {
  readonly Name: string
}

export interface SystemVersionComponent {
  readonly Name: string
  readonly Version: string
  readonly Details?: Empty | null | undefined
}

export interface SystemVersionResponse {
  readonly Platform?: SystemVersionPlatform | undefined
  readonly Components?: readonly SystemVersionComponent[] | undefined
  readonly Version: string
  readonly ApiVersion: string
  readonly MinAPIVersion: string
  readonly GitCommit?: string | undefined
  readonly GoVersion?: string | undefined
  readonly Os: string
  readonly Arch: string
  readonly KernelVersion?: string | undefined
  readonly Experimental?: boolean | undefined
  readonly BuildTime?: string | undefined
}
