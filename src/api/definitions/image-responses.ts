import type { Empty } from '../schema.js'
import type { OCIDescriptor } from './oci-descriptor.js'

export interface ImageHistoryResponseItem {
  readonly Id: string
  readonly Created: number
  readonly CreatedBy: string
  readonly Tags: readonly string[]
  readonly Size: number
  readonly Comment: string
}

export interface ImageDeleteResponseItem {
  readonly Untagged?: string | undefined
  readonly Deleted?: string | undefined
}

export interface ImageSearchResponseItem {
  readonly description?: string | undefined
  readonly is_official?: boolean | undefined
  readonly is_automated?: boolean | undefined
  readonly name?: string | undefined
  readonly star_count?: number | undefined
}

export interface AttestationStatement {
  readonly Descriptor: OCIDescriptor
  readonly PredicateType: string
  readonly Statement?: Empty | null | undefined
}
