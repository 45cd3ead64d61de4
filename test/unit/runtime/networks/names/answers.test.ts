import dnsPacket, { type Packet, type RecordType } from 'dns-packet'
import { describe, expect, it } from 'vitest'
import { answerLocally, fitDatagram, type NameSource } from '../../../../../runtime/networks/names/answers.js'

const names: NameSource = {
  addressesOf: name => (name === 'db' ? ['172.18.0.2', '172.18.0.3'] : undefined),
  nameOf: address => (address === '172.18.0.2' ? 'db.front' : undefined)
}

const ask = (type: RecordType, name: string): Packet => ({
  type: 'query',
  id: 7,
  flags: dnsPacket.RECURSION_DESIRED,
  questions: [{ type, name }]
})

/** As a client reads it. */
const answer = (type: RecordType, name: string) => {
  const packet = answerLocally(ask(type, name), names)
  return packet === undefined ? undefined : dnsPacket.decode(dnsPacket.encode(packet))
}

describe('answers about containers', () => {
  it('have an address for each container of the name, whatever its case and with the last dot', () => {
    for (const name of ['db', 'DB', 'db.']) {
      const addresses = (answer('A', name)?.answers ?? []).map(record => (record.type === 'A' ? record.data : ''))
      expect(addresses.sort()).toEqual(['172.18.0.2', '172.18.0.3'])
    }
  })

  it('repeat the id and the question, and are no errors', () => {
    expect(answer('A', 'db')).toMatchObject({
      id: 7,
      type: 'response',
      rcode: 'NOERROR',
      flag_rd: true,
      flag_ra: true,
      questions: [{ name: 'db', type: 'A' }]
    })
  })

  it('are empty for other records of a name that is known', () => {
    expect(answer('AAAA', 'db')).toMatchObject({ rcode: 'NOERROR', answers: [] })
    expect(answer('MX', 'db')).toMatchObject({ rcode: 'NOERROR', answers: [] })
  })

  it('tell whose an address is', () => {
    expect(answer('PTR', '2.0.18.172.in-addr.arpa')?.answers).toMatchObject([{ type: 'PTR', data: 'db.front' }])
  })

  it('are left to others where nobody has the name or the address', () => {
    expect(answer('A', 'example.com')).toBeUndefined()
    expect(answer('PTR', '9.0.18.172.in-addr.arpa')).toBeUndefined()
    expect(answer('PTR', 'db')).toBeUndefined()
    expect(answerLocally({ type: 'query', questions: [] }, names)).toBeUndefined()
  })

  it('that do not fit into a datagram are cut, and say so', () => {
    const many: NameSource = { ...names, addressesOf: () => Array.from({ length: 100 }, (_, index) => `172.18.1.${index}`) }
    const packet = answerLocally(ask('A', 'db'), many)
    const bytes = fitDatagram(packet ?? {}, whole => dnsPacket.encode(whole))
    const read = dnsPacket.decode(Buffer.from(bytes))
    expect(bytes.byteLength).toBeLessThanOrEqual(512)
    expect(read.flag_tc).toBe(true)
    expect(read.answers?.length).toBeGreaterThan(20)
  })
})
