/** The product. */
export interface SystemVersionPlatform {
  readonly Name: string
}

/** A part of the engine. */
export interface SystemVersionComponent {
  readonly Name: string
  readonly Version: string
  readonly Details?: Readonly<Record<string, string>> | null | undefined
}

/** Versions of the engine and its parts. */
export interface SystemVersionResponse {
  readonly Platform?: SystemVersionPlatform | undefined
  readonly Components?: readonly SystemVersionComponent[] | undefined
  readonly Version: string
  /** The newest it speaks. */
  readonly ApiVersion: string
  /** The oldest it speaks. */
  readonly MinAPIVersion: string
  readonly GitCommit?: string | undefined
  readonly GoVersion?: string | undefined
  readonly Os: string
  readonly Arch: string
  readonly KernelVersion?: string | undefined
  readonly Experimental?: boolean | undefined
  readonly BuildTime?: string | undefined
}
