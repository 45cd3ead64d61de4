import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { operations } from '../../../src/api/operations.js'
import type { Parameter } from '../../../src/api/parameter.js'
import { decodeHeaders, decodeQuery, encodeHeaders, encodeQuery } from '../../../src/api/parameter-codec.js'

const { ContainerList, ContainerStop, ContainerAttach, ImageBuild, ImageDelete, ImageGetAll, ImageInspect, ContainerCreate, ImagePush } =
  operations

const query = (operation: { readonly parameters: { readonly query?: Readonly<Record<string, Parameter>> } }) =>
  operation.parameters.query ?? {}

const platform = fc.record(
  { os: fc.string(), architecture: fc.string(), variant: fc.option(fc.string(), { nil: undefined }) },
  { requiredKeys: ['os', 'architecture'] }
)

function arbitraryOf(parameter: Parameter): fc.Arbitrary<unknown> {
  switch (parameter.codec) {
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return fc.maxSafeInteger()
    case 'string':
      return parameter.values === undefined ? fc.string({ unit: 'binary' }) : fc.constantFrom(...parameter.values)
    case 'strings':
      return fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 })
    case 'filters':
      return fc.dictionary(fc.string(), fc.array(fc.string()), { noNullPrototype: true })
    case 'json':
      return fc.oneof(platform, fc.array(fc.string()), fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }))
    case 'jsons':
      return fc.array(platform, { minLength: 1 })
  }
}

/** Without the fields that are undefined. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('queries', () => {
  it('come back as they were written, for every operation', () => {
    for (const operation of Object.values(operations)) {
      const parameters = query(operation)
      if (Object.keys(parameters).length === 0) continue
      const values = fc.record(Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, arbitraryOf(parameter)])), {
        requiredKeys: []
      })
      fc.assert(
        fc.property(values, given => {
          const text = encodeQuery(parameters, given)
          expect(plain(decodeQuery(parameters, new URLSearchParams(text)))).toEqual(plain(given))
        }),
        { numRuns: 20 }
      )
    }
  })

  it('write booleans as 1 and 0, and leave out what is absent', () => {
    expect(encodeQuery(query(ContainerAttach), { stream: true, logs: false, stdin: undefined })).toBe('logs=0&stream=1')
    expect(encodeQuery(query(ContainerStop), { t: 0 })).toBe('t=0')
    expect(encodeQuery(query(ContainerStop), {})).toBe('')
  })

  it('write filters, platforms and lists as Docker reads them', () => {
    expect(decodeURIComponent(encodeQuery(query(ContainerList), { filters: { label: ['a=b', 'c'] } }))).toBe(
      'filters={"label":["a=b","c"]}'
    )
    expect(encodeQuery(query(ImageGetAll), { names: ['a:1', 'b:2'] })).toBe('names=a%3A1&names=b%3A2')
    const amd64 = { os: 'linux', architecture: 'amd64' }
    expect(decodeURIComponent(encodeQuery(query(ImageInspect), { platform: amd64 }))).toBe('platform={"os":"linux","architecture":"amd64"}')
    expect(new URLSearchParams(encodeQuery(query(ImageDelete), { platforms: [amd64, amd64] })).getAll('platforms')).toHaveLength(2)
    expect(encodeQuery(query(ContainerCreate), { platform: 'linux/amd64' })).toBe('platform=linux%2Famd64')
    expect(encodeQuery(query(ImageBuild), { t: ['a', 'b'], buildargs: { A: null } })).toBe('t=a&t=b&buildargs=%7B%22A%22%3Anull%7D')
  })

  it.each([
    ['1', true],
    ['true', true],
    ['True', true],
    ['yes', true],
    ['t', true],
    ['0', false],
    ['', false],
    ['no', false],
    ['False', false],
    [' none ', false]
  ])('read a boolean written %j as Docker does', (text, expected) => {
    expect(decodeQuery(query(ContainerList), new URLSearchParams({ all: text }))).toEqual({ all: expected })
  })

  it('read filters in the form of old clients', () => {
    const read = (filters: string) => decodeQuery(query(ContainerList), new URLSearchParams({ filters }))
    expect(read('{"label":{"a=b":true,"c":true,"d":false},"status":["running"]}')).toEqual({
      filters: { label: ['a=b', 'c'], status: ['running'] }
    })
    expect(read('{"label":null}')).toEqual({ filters: { label: [] } })
    expect(read('')).toEqual({})
  })

  it('ignore what is not declared', () => {
    expect(decodeQuery(query(ContainerStop), new URLSearchParams('t=1&bogus=2'))).toEqual({ t: 1 })
    expect(encodeQuery(query(ContainerStop), { t: 1, bogus: 2 })).toBe('t=1')
  })

  it.each([
    [ContainerStop, 't=ten', 'query.t: expected an integer, got the string "ten"'],
    [ContainerStop, 't=1.5', 'query.t: expected an integer, got the string "1.5"'],
    [ContainerList, 'filters=%7B', 'query.filters: expected JSON, got the string "{"'],
    [ContainerList, 'filters=[]', 'query.filters: expected an object of lists, got the string "[]"'],
    [ContainerList, 'filters={"a":[1]}', 'query.filters.a: expected a list of strings, got the string "[1]"']
  ])('say what cannot be read: %#', (operation, text, message) => {
    expect(() => decodeQuery(query(operation), new URLSearchParams(text))).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message })
    )
  })
})

describe('headers', () => {
  const parameters = ImagePush.parameters.headers ?? {}

  it('are written by their published name', () => {
    expect(encodeHeaders(parameters, { 'X-Registry-Auth': 'e30=' })).toEqual({ 'X-Registry-Auth': 'e30=' })
    expect(encodeHeaders(parameters, {})).toEqual({})
  })

  it('are read in any case', () => {
    expect(decodeHeaders(parameters, { 'x-registry-auth': 'e30=', host: 'x' })).toEqual({ 'X-Registry-Auth': 'e30=' })
    expect(decodeHeaders(parameters, { 'X-REGISTRY-AUTH': ['e30='] })).toEqual({ 'X-Registry-Auth': 'e30=' })
    expect(decodeHeaders(parameters, {})).toEqual({})
  })
})
