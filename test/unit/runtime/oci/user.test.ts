import { describe, expect, it } from 'vitest'
import { resolveUser } from '../../../../runtime/oci/user.js'

const database = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n# comment\nbroken\nnohome:x:7:7:::\n',
  group: 'root:x:0:\nwheel:x:10:root,app\napp:x:1000:\nextra:x:2000:app\n'
}

describe('resolveUser', () => {
  it('is root with its groups when nothing is asked for', () => {
    expect(resolveUser('', database)).toEqual({ uid: 0, gid: 0, home: '/root', additionalGids: [0, 10] })
  })

  it('takes a name with its primary and supplementary groups', () => {
    expect(resolveUser('app', database)).toEqual({ uid: 1000, gid: 1000, home: '/home/app', additionalGids: [1000, 10, 2000] })
  })

  it('takes only the group that is named', () => {
    expect(resolveUser('app:extra', database)).toEqual({ uid: 1000, gid: 2000, home: '/home/app', additionalGids: [2000] })
    expect(resolveUser('app:33', database)).toEqual({ uid: 1000, gid: 33, home: '/home/app', additionalGids: [33] })
  })

  it('takes numbers that have no entry, in the root group', () => {
    expect(resolveUser('4242', database)).toEqual({ uid: 4242, gid: 0, home: '/', additionalGids: [0] })
    expect(resolveUser('4242:4343', { passwd: '', group: '' })).toEqual({ uid: 4242, gid: 4343, home: '/', additionalGids: [4343] })
  })

  it('finds the entry of a number', () => {
    expect(resolveUser('1000', database)).toMatchObject({ uid: 1000, gid: 1000, home: '/home/app' })
  })

  it('lives at / where the entry has no home', () => {
    expect(resolveUser('nohome', database).home).toBe('/')
  })

  it('adds the groups of --group-add by name and number', () => {
    expect(resolveUser('app:app', database, ['extra', '55']).additionalGids).toEqual([1000, 2000, 55])
  })

  it('refuses an unknown user in the words of Docker', () => {
    expect(() => resolveUser('nobody', database)).toThrow('unable to find user nobody: no matching entries in passwd file')
  })

  it.each(['-1', '99999999999', '0:-1'])('refuses %s: no such number is an id', user => {
    expect(() => resolveUser(user, database)).toThrow('uids and gids must be in range 0-2147483647')
  })

  it('refuses an unknown group', () => {
    expect(() => resolveUser('app:nogroup', database)).toThrow('unable to find group nogroup: no matching entries in group file')
  })
})
