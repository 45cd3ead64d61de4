import { describe, expect, it } from 'vitest'
import { mergeConfig } from '../../../../runtime/containers/merge-config.js'

const image = {
  Entrypoint: ['/entry'],
  Cmd: ['default'],
  Env: ['A=image', 'B=image'],
  User: 'app',
  WorkingDir: '/srv',
  Labels: { a: 'image', b: 'image' },
  StopSignal: 'SIGINT'
}

describe('mergeConfig', () => {
  it('takes what the caller leaves out from the image', () => {
    expect(mergeConfig({}, image)).toMatchObject({
      Entrypoint: ['/entry'],
      Cmd: ['default'],
      User: 'app',
      WorkingDir: '/srv',
      StopSignal: 'SIGINT'
    })
  })

  it('puts the caller’s command behind the image’s entrypoint', () => {
    expect(mergeConfig({ Cmd: ['mine'] }, image)).toMatchObject({ Entrypoint: ['/entry'], Cmd: ['mine'] })
  })

  it('drops the image’s command with its entrypoint', () => {
    expect(mergeConfig({ Entrypoint: ['/mine'] }, image)).toMatchObject({ Entrypoint: ['/mine'], Cmd: null })
  })

  it('takes the entrypoint away where it is one empty string', () => {
    expect(mergeConfig({ Entrypoint: [''], Cmd: ['sh'] }, image)).toMatchObject({ Entrypoint: null, Cmd: ['sh'] })
  })

  it('lets the caller’s variables and labels win', () => {
    const merged = mergeConfig({ Env: ['B=mine', 'C=mine'], Labels: { b: 'mine' } }, image)
    expect(merged.Env).toEqual(['B=mine', 'C=mine', 'A=image'])
    expect(merged.Labels).toEqual({ a: 'image', b: 'mine' })
  })

  it('never changes what it was given', () => {
    const caller = Object.freeze({ Env: Object.freeze(['A=1']) })
    mergeConfig(caller, image)
    expect(caller).toEqual({ Env: ['A=1'] })
  })
})
