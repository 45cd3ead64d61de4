import { describe, expect, it } from 'vitest'
import { ProxyRules, proxiesOf, proxiesOfEnvironment, withoutCredentials } from '../../../../runtime/registry/proxy-rules.js'

// Needs: nothing. The cases are those of Go's golang.org/x/net/http/httpproxy, as its documentation tells them.

const rules = (none: string) => new ProxyRules({ http: 'http://plain:1', https: 'secure:2', none })
const direct = (none: string, url: string) => rules(none).proxyFor(new URL(url)) === undefined

describe('which proxy leads to a URL', () => {
  it('is up to its scheme; a proxy without one speaks plain HTTP', () => {
    expect(rules('').proxyFor(new URL('http://r.test/'))?.href).toBe('http://plain:1/')
    expect(rules('').proxyFor(new URL('https://r.test/'))?.href).toBe('http://secure:2/')
    expect(new ProxyRules({ https: 'http://p:1' }).proxyFor(new URL('http://r.test/'))).toBeUndefined()
  })

  it.each([
    ['', 'http://localhost:5000/', true],
    ['', 'https://127.3.2.1/', true],
    ['', 'http://[::1]:5000/', true],
    ['', 'http://x.localhost/', false],
    ['*', 'https://r.test/', true],
    ['r.test', 'https://r.test/', true],
    ['r.test', 'https://sub.r.test/', true],
    ['r.test', 'https://xr.test/', false],
    ['.r.test', 'https://r.test/', false],
    ['.r.test', 'https://a.b.r.test/', true],
    ['*.r.test', 'https://a.r.test/', true],
    ['*.r.test', 'https://r.test/', false],
    [' R.Test , other', 'https://r.TEST/', true],
    ['r.test:5000', 'https://r.test:5000/', true],
    ['r.test:5000', 'https://r.test/', false],
    ['r.test:443', 'https://r.test/', true],
    ['10.0.0.0/8', 'https://10.1.2.3/', true],
    ['10.0.0.0/8', 'https://11.1.2.3/', false],
    ['10.0.0.0/8', 'https://r.test/', false],
    ['10.1.2.3', 'https://10.1.2.3:5000/', true],
    ['10.1.2.3:80', 'https://10.1.2.3:5000/', false],
    ['fd00::/8', 'https://[fd12::1]/', true],
    ['[fd12::1]:443', 'https://[fd12::1]/', true],
    ['fd12::1', 'https://[fd12::1]:5000/', true],
    [',,:5000', 'https://r.test:5000/', false]
  ])('no_proxy=%s: %s is reached directly: %s', (none, url, isDirect) => {
    expect(direct(none, url)).toBe(isDirect)
  })

  it.each([
    ['socks5://user:hunter2@p:1', /HTTPS_PROXY: a proxy of the kind socks5:\/\/ is not supported/],
    ['http://user:hunter2@', /HTTPS_PROXY: it is no URL/],
    ['http://user:hunter2@p:port', /HTTPS_PROXY: it is no URL/]
  ])('what is no proxy is refused without its credentials: %s', (https, message) => {
    const make = () => new ProxyRules({ https })
    expect(make).toThrow(message)
    expect(make).not.toThrow(/hunter2/)
  })
})

describe('the proxies of an environment', () => {
  it('are named in upper case, else in lower case', () => {
    expect(proxiesOfEnvironment({ HTTP_PROXY: 'a', http_proxy: 'b', https_proxy: 'c', NO_PROXY: '', no_proxy: 'd' })).toEqual({
      http: 'a',
      https: 'c',
      none: 'd'
    })
  })

  it('do not come from the clients of a web server', () => {
    expect(proxiesOfEnvironment({ HTTP_PROXY: 'a', REQUEST_METHOD: 'GET' })).toEqual({})
  })

  it('give way to what was set for the engine', () => {
    expect(proxiesOf({ httpsProxy: 'mine' }, { HTTPS_PROXY: 'a', HTTP_PROXY: 'b' })).toEqual({ http: 'b', https: 'mine' })
  })

  it.each([
    ['http://user:hunter2@p:1', 'http://xxxxx:xxxxx@p:1'],
    ['user:hunt/er@2@p:1', 'xxxxx:xxxxx@p:1'],
    ['http://p:1/', 'http://p:1/'],
    ['', '']
  ])('are shown without credentials: %s', (proxy, shown) => {
    expect(withoutCredentials(proxy)).toBe(shown)
  })
})
