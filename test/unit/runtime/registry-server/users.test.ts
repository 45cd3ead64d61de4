import { describe, expect, it } from 'vitest'
import { PasswordThread } from '../../../../runtime/registry-server/password-thread.js'
import { isBcryptHash, parseHtpasswd, Users, usersOf } from '../../../../runtime/registry-server/users.js'

/** Of libxcrypt, Debian's libcrypt: `perl -e 'print crypt("secret", "\$2y\$05\$...")'`. */
const known: readonly (readonly [string, string])[] = [
  ['secret', '$2y$05$LCnUVHRTbdrhzsXkpo/vM.ytnvqW/8jtSrNBHa8dcyrPVNzKnaKaq'],
  ['ünïcödé pass', '$2b$04$LCnUVHRTbdrhzsXkpo/vM.EBxJRNSFSUdrT7OuyWLsrzTzC1/fwpu'],
  ['x'.repeat(80), '$2b$04$LCnUVHRTbdrhzsXkpo/vM.54Hj87nHMVyrXAx4W4hravuuxbONDx2']
]

describe('hashes', () => {
  it.each(known)('of %s, as libcrypt makes them, are of it and nothing else', async (password, hash) => {
    const thread = new PasswordThread()
    expect(await thread.check(password, hash)).toBe(true)
    expect(await thread.check(`!${password}`, hash)).toBe(false)
    expect(await thread.check(password, hash.replace('$2y$', '$2a$').replace('$2b$', '$2y$'))).toBe(true)
  })

  it('are checked one after the other beside everything else, and the thread ends with the last', async () => {
    const thread = new PasswordThread()
    // Of cost 12, which nobody here has the password of: some tenths of a second for each.
    const hash = `$2y$12$${'.'.repeat(53)}`
    let turns = 0
    const timer = setInterval(() => turns++, 5)
    const checks = ['a', 'b', 'c'].map(password => thread.check(password, hash))
    expect(thread.length).toBe(3)
    expect(await Promise.all(checks)).toEqual([false, false, false])
    clearInterval(timer)
    expect(thread.length).toBe(0)
    // In this thread that would be a handful: the library gives the others a turn after each tenth of a second.
    expect(turns).toBeGreaterThan(30)
    expect(await thread.check(...(known[0] ?? ['', '']))).toBe(true)
  })

  it('are told from others, and from costs that take hours', () => {
    expect(isBcryptHash(known[0]?.[1] ?? '')).toBe(true)
    for (const wrong of ['', 'secret', '$apr1$x$y', '{SHA}x', `$2y$31$${'.'.repeat(53)}`, `$2y$03$${'.'.repeat(53)}`]) {
      expect(isBcryptHash(wrong)).toBe(false)
    }
  })
})

describe('users', () => {
  const file = `# people\n\nann:${known[0]?.[1]}\n`

  it('of a file come in with their passwords', async () => {
    const users = new Users(new Map([...parseHtpasswd(file, 'users'), ...usersOf({ bob: 'pass:word' })]))
    expect(await users.check('ann', 'secret')).toBe(true)
    expect(await users.check('ann', 'secret')).toBe(true)
    expect(await users.check('ann', 'Secret')).toBe(false)
    expect(await users.check('bob', 'pass:word')).toBe(true)
    expect(await users.check('bob', '')).toBe(false)
    expect(await users.check('eve', 'secret')).toBe(false)
    expect(await users.check('__proto__', 'secret')).toBe(false)
  })

  it.each([
    ['ann:{SHA}abc', /users, line 1: its hash is not of bcrypt/],
    ['ann', /users, line 1: it is not name:hash/],
    ['# nobody', /users has no users/]
  ])('a file with %s is refused', (text, message) => {
    expect(() => parseHtpasswd(text, 'users')).toThrow(message)
  })

  it('have names and passwords that can be sent', () => {
    expect(() => usersOf({ 'a:b': 'x' })).toThrow('auth: "a:b" cannot be a user\'s name')
    expect(() => usersOf({ a: '' })).toThrow('auth: user "a" has an empty password')
  })
})
