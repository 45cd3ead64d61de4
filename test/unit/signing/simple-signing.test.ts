import { describe, expect, it } from 'vitest'
import { simpleSigningPayload } from '../../../src/signing/simple-signing.js'

// Needs: nothing. The texts are what Go's encoding/json makes of cosign's structures.

const digest = `sha256:${'ab'.repeat(32)}`
const critical = (name: string) =>
  `{"critical":{"identity":{"docker-reference":"${name}"},"image":{"docker-manifest-digest":"${digest}"},"type":"cosign container image signature"}`

describe('what cosign signs', () => {
  it('names repository and digest, and nothing else', () => {
    const payload = simpleSigningPayload({ registry: 'localhost:5000', repository: 'team/app', digest })
    expect(payload.toString()).toBe(`${critical('localhost:5000/team/app')},"optional":null}`)
  })

  it("of Docker Hub has the registry's name of before", () => {
    const payload = simpleSigningPayload({ registry: 'docker.io', repository: 'library/alpine', digest, annotations: {} })
    expect(payload.toString()).toBe(`${critical('index.docker.io/library/alpine')},"optional":null}`)
  })

  it('has annotations in the order of their bytes, spelled as Go spells them', () => {
    const annotations = { z: '1', 10: 'ten', 9: 'nine', ä: 'ü', '\u{1f600}': '<&>', '\uffee': '\u2028' }
    const payload = simpleSigningPayload({ registry: 'r.test', repository: 'a', digest, annotations })
    const optional = '{"10":"ten","9":"nine","z":"1","ä":"ü","\uffee":"\\u2028","\u{1f600}":"\\u003c\\u0026\\u003e"}'
    expect(payload.toString()).toBe(`${critical('r.test/a')},"optional":${optional}}`)
    expect(JSON.parse(payload.toString()).optional).toEqual(annotations)
  })
})
