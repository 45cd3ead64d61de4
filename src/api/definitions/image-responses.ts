import type { OCIDescriptor } from './oci-descriptor.js'

/** A step in the making of an image. */
export interface ImageHistoryResponseItem {
  /** `<missing>` where the step left no image. */
  readonly Id: string
  /** Unix seconds. */
  readonly Created: number
  readonly CreatedBy: string
  readonly Tags: readonly string[] | null
  readonly Size: number
  readonly Comment: string
}

/** What a removal has done: one of the two. */
export interface ImageDeleteResponseItem {
  readonly Untagged?: string | undefined
  readonly Deleted?: string | undefined
}

/** A repository of Docker Hub. */
export interface ImageSearchResponseItem {
  readonly description?: string | undefined
  readonly is_official?: boolean | undefined
  readonly is_automated?: boolean | undefined
  readonly name?: string | undefined
  readonly star_count?: number | undefined
}

/** A statement about an image. */
export interface AttestationStatement {
  readonly Descriptor: OCIDescriptor
  readonly PredicateType: string
  readonly Statement?: Readonly<Record<string, unknown>> | null | undefined
}
