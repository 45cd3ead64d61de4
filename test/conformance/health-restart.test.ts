// Needs: root and the lab (test/lab).
import { ContainerList } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { eventually } from './kit/streams.js'

const ms = 1_000_000

conform('health checks and restart policies', {
  'a container becomes healthy when its check goes well, and unhealthy when it does not any more': async ({ engine, image }) => {
    const Healthcheck = { Test: ['CMD-SHELL', 'test -e /good && echo fine'], Interval: 200 * ms, Timeout: 5_000 * ms, Retries: 2 }
    const container = await image
      .raw({ Config: { Healthcheck } })
      .cmd('sh', '-c', 'sleep 1; touch /good; sleep 3; rm /good; sleep 1000')
      .start()
    const health = async () => (await container.inspect()).State.Health
    expect((await health())?.Status).toBe('starting')
    await eventually(async () => (await health())?.Status === 'healthy')
    expect((await health())?.Log?.at(-1)).toMatchObject({ ExitCode: 0, Output: 'fine\n' })
    const [row] = await engine.raw.call(ContainerList, { query: { filters: { id: [container.id], health: ['healthy'] } } })
    expect(row?.Status).toContain('(healthy)')
    await eventually(async () => (await health())?.Status === 'unhealthy')
    expect((await health())?.FailingStreak).toBeGreaterThanOrEqual(2)
  },

  'a check that takes too long counts as a bad one': async ({ image }) => {
    const Healthcheck = { Test: ['CMD', 'sleep', '1000'], Interval: 100 * ms, Timeout: 200 * ms, Retries: 1 }
    const container = await image.raw({ Config: { Healthcheck } }).cmd('sleep', '1000').start()
    await eventually(async () => (await container.inspect()).State.Health?.Status === 'unhealthy')
    const last = (await container.inspect()).State.Health?.Log?.[0]
    expect(last?.ExitCode).toBe(-1)
    expect(last?.Output).toContain('Health check exceeded timeout')
  },

  'without a check there is no health': async ({ image }) => {
    const none = await image
      .raw({ Config: { Healthcheck: { Test: ['NONE'] } } })
      .cmd('sleep', '1000')
      .start()
    expect((await none.inspect()).State.Health).toBeUndefined()
  },

  'a check more often than every millisecond is refused': async ({ image }) => {
    const Healthcheck = { Test: ['CMD', 'true'], Interval: 10 }
    await expectError(
      image.raw({ Config: { Healthcheck } }).cmd('true').create(),
      'invalid_argument',
      /Interval in Healthcheck cannot be less than 1ms/
    )
  },

  'on-failure starts a container again as often as it says': async ({ image }) => {
    const RestartPolicy = { Name: 'on-failure' as const, MaximumRetryCount: 2 }
    const container = await image.raw({ HostConfig: { RestartPolicy } }).cmd('sh', '-c', 'echo run; exit 3').start()
    await eventually(async () => (await container.inspect()).RestartCount === 2 && (await container.state()).status === 'exited')
    expect((await container.inspect()).State).toMatchObject({ ExitCode: 3, Restarting: false })
    expect(await container.logs().text()).toBe('run\nrun\nrun\n')
  },

  'on-failure leaves alone what went well': async ({ image }) => {
    const container = await image
      .raw({ HostConfig: { RestartPolicy: { Name: 'on-failure' } } })
      .cmd('true')
      .start()
    await container.wait()
    await new Promise(resolve => setTimeout(resolve, 500))
    expect((await container.inspect()).RestartCount).toBe(0)
  },

  'always starts it again until somebody stops it': async ({ image }) => {
    const container = await image
      .raw({ HostConfig: { RestartPolicy: { Name: 'always' } } })
      .cmd('sh', '-c', 'sleep 0.2')
      .start()
    await eventually(async () => ((await container.inspect()).RestartCount ?? 0) >= 2)
    await container.stop({ grace: 0 })
    const { RestartCount } = await container.inspect()
    await new Promise(resolve => setTimeout(resolve, 1_500))
    expect((await container.inspect()).RestartCount).toBe(RestartCount)
    expect((await container.state()).status).toBe('exited')
  },

  'a policy together with removal at the end is refused': async ({ image }) => {
    const HostConfig = { AutoRemove: true, RestartPolicy: { Name: 'always' as const } }
    await expectError(
      image.raw({ HostConfig }).cmd('true').create(),
      'invalid_argument',
      /can't create 'AutoRemove' container with restart policy/
    )
  }
})
