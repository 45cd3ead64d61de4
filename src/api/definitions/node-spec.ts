import { lazy, map, object, oneOf, string } from '../schema.js'

/** What can be set on a node. */
export interface NodeSpec {
  readonly Name?: string | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  readonly Role?: 'worker' | 'manager' | undefined
  readonly Availability?: 'active' | 'pause' | 'drain' | undefined
}

/** Schema of {@link NodeSpec}. */
export const nodeSpec = lazy(() =>
  object<NodeSpec>({
    Name: string(),
    Labels: map(string()),
    Role: oneOf('worker', 'manager'),
    Availability: oneOf('active', 'pause', 'drain')
  })
)
