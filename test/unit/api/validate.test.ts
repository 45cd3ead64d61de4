import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import type { Operation, OperationInput } from '../../../src/api/operation.js'
import { operations } from '../../../src/api/operations.js'
import { validateInput } from '../../../src/api/validate.js'

const {
  ContainerCreate,
  ContainerStop,
  ContainerResize,
  ContainerWait,
  ImagePush,
  ImageCommit,
  NetworkCreate,
  ImageLoad,
  ImageCreate,
  VolumeCreate
} = operations

/** What a caller without types may give. */
const check = (operation: Operation, input: unknown) => validateInput(operation, input as OperationInput)
const messageOf = (operation: Operation, input: unknown): string => {
  try {
    check(operation, input)
  } catch (error) {
    return (error as Error).message
  }
  return 'valid'
}

describe('schemas', () => {
  it('are not built, nor zod loaded, before the first check', () => {
    // Has to be the first test of the file.
    const loaded = () => Object.keys(createRequire(import.meta.url).cache ?? {}).some(path => path.includes('/node_modules/zod/'))
    expect(Object.keys(operations).length).toBeGreaterThan(100)
    expect(loaded()).toBe(false)
    check(ContainerStop, { path: { id: 'a' } })
    expect(loaded()).toBe(true)
  })

  it('can be built for every operation', () => {
    for (const operation of Object.values(operations)) {
      for (const schema of Object.values(operation.schemas)) expect(schema()).toBe(schema())
    }
  })
})

describe('validateInput', () => {
  it('gives back what is valid', () => {
    const input = {
      query: { name: 'web' },
      body: {
        Image: 'nginx',
        Cmd: ['-g', 'daemon off;'],
        ExposedPorts: { '80/tcp': {} },
        HostConfig: {
          Memory: 64,
          PortBindings: { '80/tcp': [{ HostPort: '8080' }] },
          Mounts: [{ Type: 'bind', Source: '/a', Target: '/b' } as const]
        },
        NetworkingConfig: { EndpointsConfig: { front: { Aliases: ['a'], IPAMConfig: { IPv4Address: '10.0.0.2' } } } }
      }
    }
    expect(validateInput(ContainerCreate, input)).toEqual(input)
  })

  it.each<[Operation, unknown, string]>([
    [ContainerCreate, { body: { HostConfig: { Memory: '1g' } } }, 'body.HostConfig.Memory: expected a number, got the string "1g"'],
    [ContainerCreate, { body: { HostConfig: { Memory: 1.5 } } }, 'body.HostConfig.Memory: expected an integer, got the number 1.5'],
    [ContainerCreate, { body: { Env: { A: '1' } } }, 'body.Env: expected a list, got an object'],
    [ContainerCreate, { body: { Env: ['A=1', 2] } }, 'body.Env[1]: expected a string, got the number 2'],
    [ContainerCreate, { body: { Tty: 'yes' } }, 'body.Tty: expected true or false, got the string "yes"'],
    [ContainerCreate, { body: { Cmd: 5 } }, 'body.Cmd: expected a list, got the number 5'],
    [
      ContainerCreate,
      { body: { HostConfig: { PortBindings: { '80/tcp': [{ HostPort: 8080 }] } } } },
      'body.HostConfig.PortBindings["80/tcp"][0].HostPort: expected a string, got the number 8080'
    ],
    [
      ContainerCreate,
      { body: { HostConfig: { Mounts: [{ Type: 'folder' }] } } },
      'body.HostConfig.Mounts[0].Type: expected one of "bind", "cluster", "image", "npipe", "tmpfs", "volume", got the string "folder"'
    ],
    [ContainerCreate, {}, 'body: expected an object, got nothing'],
    [ContainerCreate, { body: [] }, 'body: expected an object, got a list'],
    [ContainerCreate, { body: { Image: 'x' }, query: { name: 3 } }, 'query.name: expected a string, got the number 3'],
    [ContainerStop, { path: {} }, 'path.id: expected a string, got nothing'],
    [ContainerStop, { path: { id: '' } }, 'path.id: expected something that is not empty, got the string ""'],
    [ContainerStop, { path: { id: 'a' }, query: { t: '3' } }, 'query.t: expected a number, got the string "3"'],
    [ContainerResize, { path: { id: 'a' } }, 'query.h: expected a number, got nothing (and 1 more: query.w)'],
    [
      ContainerWait,
      { path: { id: 'a' }, query: { condition: 'gone' } },
      'query.condition: expected one of "not-running", "next-exit", "removed", got the string "gone"'
    ],
    [NetworkCreate, { body: {} }, 'body.Name: expected a string, got nothing'],
    [NetworkCreate, { body: { Name: null } }, 'body.Name: expected a string, got null'],
    [ImageLoad, { body: 'x' }, 'body: expected an async iterable of bytes, got the string "x"']
  ])('names the field, what was expected and what was given: %#', (operation, input, message) => {
    expect(messageOf(operation, input)).toBe(message)
  })

  it('fails with invalid_argument, and the details hold all that is wrong', () => {
    expect(() => check(ContainerCreate, { body: { Tty: 1, HostConfig: { Memory: '1g' } } })).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        details: {
          operation: 'ContainerCreate',
          issues: [
            { path: 'body.Tty', expected: 'true or false', received: 'the number 1' },
            { path: 'body.HostConfig.Memory', expected: 'a number', received: 'the string "1g"' }
          ]
        }
      })
    )
  })

  it('never shows what a header holds', () => {
    const message = messageOf(ImagePush, { path: { name: 'a' }, headers: { 'X-Registry-Auth': ['c2VjcmV0'] } })
    expect(message).toBe('headers.X-Registry-Auth: expected a string, got a list')
  })

  it('takes null for absent, wherever a Go client may send it', () => {
    const body = {
      Image: 'x',
      Cmd: null,
      Entrypoint: null,
      Tty: null,
      Env: null,
      Labels: null,
      Healthcheck: null,
      HostConfig: { Memory: null, Binds: null, LogConfig: { Type: null, Config: null }, Mounts: null, RestartPolicy: null }
    }
    expect(check(ContainerCreate, { body })).toEqual({ query: {}, body: { Image: 'x', HostConfig: { LogConfig: {} } } })
    expect(check(ContainerCreate, { query: { name: null }, body: {} })).toEqual({ query: {}, body: {} })
  })

  it('takes what the docker CLI sends, and nothing is null afterwards', () => {
    // The body of `docker create` with ports, mounts, limits, a network and GPUs.
    const text = readFileSync(new URL('../../golden/engine-api/docker-cli-create.json', import.meta.url), 'utf8')
    const { body } = validateInput(ContainerCreate, { query: { name: 'web' }, body: JSON.parse(text) })
    expect(text).toContain('null')
    expect(JSON.stringify(body)).not.toContain('null')
    expect(body.HostConfig).toMatchObject({ Memory: 67108864, MemorySwappiness: -1, Mounts: [{ Type: 'tmpfs', Target: '/t' }] })
    expect(body.NetworkingConfig?.EndpointsConfig?.front).toMatchObject({ Aliases: ['api'] })
  })

  it('keeps the key of a map whose value is null, with the empty value of its type', () => {
    const body = {
      ExposedPorts: { '80/tcp': null },
      Labels: { a: null },
      HostConfig: { PortBindings: { '80/tcp': null } },
      NetworkingConfig: { EndpointsConfig: { front: null } }
    }
    expect(check(ContainerCreate, { body })).toEqual({
      query: {},
      body: {
        ExposedPorts: { '80/tcp': {} },
        Labels: { a: '' },
        HostConfig: { PortBindings: { '80/tcp': [] } },
        NetworkingConfig: { EndpointsConfig: { front: {} } }
      }
    })
  })

  it('takes the empty word for absent where one of some words is meant', () => {
    const body = { HostConfig: { Mounts: [{ Type: '', Target: '/t' }] } }
    expect(check(ContainerCreate, { body })).toEqual({ query: {}, body: { HostConfig: { Mounts: [{ Target: '/t' }] } } })
  })

  it('leaves words to the engine that it refuses in words of its own', () => {
    const body = { HostConfig: { CgroupnsMode: '', Isolation: 'x', RestartPolicy: { Name: 'sometimes' } } }
    expect(check(ContainerCreate, { body })).toEqual({ query: {}, body })
  })

  it('takes a command as one string, like Docker', () => {
    expect(check(ContainerCreate, { body: { Cmd: 'sh', Entrypoint: '' } })).toEqual({ query: {}, body: { Cmd: ['sh'], Entrypoint: [''] } })
  })

  it('passes on what it does not know', () => {
    const body = { Image: 'x', FutureField: { a: null }, HostConfig: { Umask: '022' } }
    expect(check(ContainerCreate, { body })).toEqual({ query: {}, body })
  })

  it('leaves the input alone', () => {
    const body = Object.freeze({ Image: 'x', Cmd: null, HostConfig: Object.freeze({ Memory: null }) })
    check(ContainerCreate, { body })
    expect(body).toEqual({ Image: 'x', Cmd: null, HostConfig: { Memory: null } })
  })

  it('takes an absent body where the operation allows it, and undefined for an absent field', () => {
    expect(check(ImageCommit, {})).toEqual({ query: {} })
    expect(check(ImageCreate, { query: { fromImage: 'a' }, body: undefined })).toEqual({ query: { fromImage: 'a' }, headers: {} })
    expect(validateInput(VolumeCreate, { body: { Name: undefined } })).toEqual({ body: {} })
  })

  it('passes a stream on without touching it', () => {
    const body = (async function* () {})()
    expect(validateInput(ImageLoad, { body }).body).toBe(body)
  })
})
