import { describe, expect, it } from 'vitest'
import {
  ContainerAttach,
  ContainerCreate,
  ContainerInspect,
  ContainerList,
  ImageInspect,
  PutContainerArchive,
  Session
} from '../../../../src/api/index.js'
import { encodeRequest } from '../../../../src/transport/http/encode-request.js'

describe('encodeRequest', () => {
  it('fills the path, keeping the slashes of an image name', () => {
    expect(encodeRequest(ImageInspect, { path: { name: 'localhost:5000/a/b c:1' } }, '/v1.41').path).toBe(
      '/v1.41/images/localhost%3A5000/a/b%20c%3A1/json'
    )
  })

  it.each(['', '..', 'a/../../containers', 'a//b', '.'])('refuses %j as a path parameter', id => {
    expect(() => encodeRequest(ContainerInspect, { path: { id } }, '')).toThrow(
      expect.objectContaining({ code: 'invalid_argument', details: { operation: 'ContainerInspect', field: 'path.id', value: id } })
    )
  })

  it('refuses a path parameter that is not there', () => {
    expect(() => encodeRequest(ContainerInspect, {}, '')).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })

  it('writes the query', () => {
    const { path } = encodeRequest(ContainerList, { query: { all: true, limit: 3, filters: { label: ['a=b'] } } }, '')
    const query = new URLSearchParams(path.split('?')[1])
    expect(Object.fromEntries(query)).toEqual({ all: '1', limit: '3', filters: '{"label":["a=b"]}' })
  })

  it('has no question mark without a query', () => {
    expect(encodeRequest(ContainerList, {}, '').path).toBe('/containers/json')
  })

  it('sends a body as JSON, and none where there is none', () => {
    const sent = encodeRequest(ContainerCreate, { body: { Image: 'x' } }, '')
    expect(sent).toMatchObject({ body: '{"Image":"x"}', headers: { 'content-type': 'application/json' } })
    expect(encodeRequest(ContainerCreate, {}, '')).not.toHaveProperty('body')
  })

  it('sends an archive as a tar stream', () => {
    const archive = (async function* () {
      yield new Uint8Array(512)
    })()
    expect(encodeRequest(PutContainerArchive, { path: { id: 'x' }, query: { path: '/' }, body: archive }, '').headers).toEqual({
      'content-type': 'application/x-tar'
    })
  })

  it('asks for an upgrade where the connection is taken over', () => {
    expect(encodeRequest(ContainerAttach, { path: { id: 'x' } }, '').upgrade).toBe('tcp')
    expect(encodeRequest(Session, {}, '').upgrade).toBe('h2c')
    expect(encodeRequest(ContainerList, {}, '')).not.toHaveProperty('upgrade')
  })
})
