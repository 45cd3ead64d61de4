import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  type ContainerArchive,
  ContainerCreate,
  type ContainerInspect,
  type ContainerInspectResponse,
  type ContainerResize,
  type ContainerStop,
  type ContainerWait,
  type Done,
  defineOperation,
  type Frame,
  type Handler,
  type Handlers,
  type ImageCommit,
  type ImageCreate,
  type InputOf,
  type Operation,
  type OutputOf,
  operations,
  type SystemInfo,
  type TarStream
} from '../../../src/api/index.js'

// The compiler checks most of this file; what runs is what only running can show.
describe('the types of operations', () => {
  it('give an editor the fields of a body', () => {
    type Body = InputOf<typeof ContainerCreate>['body']
    expectTypeOf<NonNullable<Body['HostConfig']>['Memory']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<{ body: { Cmd: readonly string[]; HostConfig: { Mounts: { Type: 'bind' }[] } } }>().toExtend<
      InputOf<typeof ContainerCreate>
    >()
    expectTypeOf<{ body: { HostConfig: { Memory: string } } }>().not.toExtend<InputOf<typeof ContainerCreate>>()
  })

  it('require what has to be there and nothing else', () => {
    expectTypeOf<Record<never, never>>().toExtend<InputOf<typeof SystemInfo>>()
    expectTypeOf<{ query: { pause: false } }>().toExtend<InputOf<typeof ImageCommit>>()
    expectTypeOf<{ query: { fromImage: 'a' } }>().toExtend<InputOf<typeof ImageCreate>>()
    expectTypeOf<{ path: { id: 'a' } }>().toExtend<InputOf<typeof ContainerStop>>()
    expectTypeOf<Record<never, never>>().not.toExtend<InputOf<typeof ContainerStop>>()
    expectTypeOf<{ path: { name: 'a' } }>().not.toExtend<InputOf<typeof ContainerStop>>()
    expectTypeOf<{ path: { id: 'a' }; query: { h: 1; w: 2 } }>().toExtend<InputOf<typeof ContainerResize>>()
    expectTypeOf<{ path: { id: 'a' } }>().not.toExtend<InputOf<typeof ContainerResize>>()
    expectTypeOf<{ path: { id: 'a' }; query: { condition: 'gone' } }>().not.toExtend<InputOf<typeof ContainerWait>>()
  })

  it('say what comes back', () => {
    expectTypeOf<OutputOf<typeof ContainerInspect>>().toEqualTypeOf<ContainerInspectResponse>()
    expectTypeOf<OutputOf<typeof ContainerStop>>().toEqualTypeOf<Done>()
    expectTypeOf<OutputOf<typeof ContainerArchive>>().toEqualTypeOf<TarStream>()
    expectTypeOf<OutputOf<typeof operations.ContainerLogs>>().toEqualTypeOf<AsyncIterable<Frame>>()
    expectTypeOf<NonNullable<Handlers['ContainerWait']>>().toEqualTypeOf<Handler<typeof ContainerWait>>()
  })

  it('hold for the table as for one operation', () => {
    expectTypeOf(ContainerCreate).toExtend<Operation>()
    const table: Readonly<Record<string, Operation>> = operations
    for (const [id, operation] of Object.entries(table)) expect(operation.id).toBe(id)
  })

  it('are data that nobody can change', () => {
    expect(Object.isFrozen(ContainerCreate)).toBe(true)
    expect(Object.isFrozen(operations)).toBe(true)
    const ping = defineOperation<string>()({ id: 'Ping', method: 'GET', path: '/_ping', request: 'none', response: 'text' })
    expect(ping).toEqual({ id: 'Ping', method: 'GET', path: '/_ping', request: 'none', response: 'text', parameters: {}, schemas: {} })
  })
})
