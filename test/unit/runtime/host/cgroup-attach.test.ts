import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createCgroupAttach, parseOwnGroups } from '../../../../runtime/host/cgroup-attach.js'

it('reads the own group of each hierarchy, colons in its name included', () => {
  const own = parseOwnGroups('9:name=systemd:/a:b\n4:cpu,cpuacct:/\n0::/user.slice\n')
  expect([own.get('name=systemd'), own.get('cpu,cpuacct'), own.get('')]).toEqual(['/a:b', '/', '/user.slice'])
})

it('attaches this process to the group that it is in, which leaves it there', async () => {
  const before = await readFile('/proc/self/cgroup', 'utf8')
  const mountPoint = await mkdtemp(join(tmpdir(), 'gantry-attach-'))
  const attach = createCgroupAttach({ kind: 'v1', hierarchies: [{ version: 1, mountPoint, controllers: ['nothing'] }] })
  attach.expect()
  await sleep(10)
  await attach.close()
  attach.expect()
  await rm(mountPoint, { recursive: true })
  expect(await readFile('/proc/self/cgroup', 'utf8')).toBe(before)
})
