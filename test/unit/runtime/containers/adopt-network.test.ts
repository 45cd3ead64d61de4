import { describe, expect, it } from 'vitest'
import { adoptNetwork } from '../../../../runtime/containers/adopt-network.js'
import type { ContainerContext } from '../../../../runtime/containers/container-context.js'
import { type ContainerRecord, createdState } from '../../../../runtime/containers/container-record.js'
import { LiveSettings } from '../../../../runtime/settings/engine-settings.js'

/** What the networks are asked to do. */
async function adopt(networkName: string, pid: number): Promise<readonly unknown[]> {
  const calls: unknown[] = []
  const context = {
    settings: new LiveSettings(),
    networks: {
      adopt: async (id: string) => calls.push(['adopt', id]),
      serveNames: async (request: unknown) => calls.push(['serveNames', request])
    }
  }
  const record = {
    id: 'abc',
    hostConfig: { Dns: ['192.0.2.53'], DnsOptions: ['ndots:2'] },
    state: { ...createdState, pid, endpoints: [{ networkName }] }
  }
  // Of both only what adoption reads.
  await adoptNetwork(context as unknown as ContainerContext, record as unknown as ContainerRecord)
  return calls
}

describe('a running container that is taken over', () => {
  it('has its ports held and its names served again, as its own settings say', async () => {
    expect(await adopt('front', 42)).toEqual([
      ['adopt', 'abc'],
      ['serveNames', { containerId: 'abc', namespacePath: '/proc/42/ns/net', servers: ['192.0.2.53'], keepsWords: true }]
    ])
  })

  it('has no names to serve on the default network', async () => {
    expect(await adopt('bridge', 42)).toEqual([['adopt', 'abc']])
  })

  it('that does not run any more is left alone', async () => {
    expect(await adopt('front', 0)).toEqual([])
  })
})
