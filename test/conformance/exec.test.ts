// Needs: root and the lab (test/lab).
import { ContainerExec, ExecInspect, ExecStart } from 'gantry/api'
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'
import { exec } from './kit/exec.js'
import { collect, eventually } from './kit/streams.js'

const busy = ['sleep', '1000'] as const

conform('exec', {
  'a process in a running container has its own output and exit code': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const script = 'echo out; echo err >&2; exit 7'
    expect(await exec(engine, id, { Cmd: ['sh', '-c', script] })).toEqual({ exitCode: 7, stdout: 'out\n', stderr: 'err\n' })
  },

  'stdin reaches it, and its end too': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    expect(await exec(engine, id, { Cmd: ['cat'] }, 'one\ntwo\n')).toEqual({ exitCode: 0, stdout: 'one\ntwo\n', stderr: '' })
  },

  'it has the environment, the folder and the user that are asked for': async ({ engine, image }) => {
    const { id } = await image
      .env({ FROM: 'container' })
      .cmd(...busy)
      .start()
    const settings = { Cmd: ['sh', '-c', 'echo $FROM $EXTRA; pwd; id -u; id -g'], Env: ['EXTRA=exec'], WorkingDir: '/tmp', User: '1234:77' }
    expect((await exec(engine, id, settings)).stdout).toBe('container exec\n/tmp\n1234\n77\n')
  },

  'without a user it has the one of the container': async ({ engine, image }) => {
    const { id } = await image
      .user('1234')
      .cmd(...busy)
      .start()
    expect((await exec(engine, id, { Cmd: ['id', '-u'] })).stdout).toBe('1234\n')
  },

  'it is as confined as the container: capabilities, system calls, control groups': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const look = (process: string) =>
      `grep -E '^(CapEff|CapBnd|CapPrm|Seccomp|NoNewPrivs):' /proc/${process}/status; cat /proc/${process}/cgroup`
    const { stdout } = await exec(engine, id, { Cmd: ['sh', '-c', look('self')] })
    expect(stdout).toMatch(/^Seccomp:\t2$/m)
    expect(stdout).toBe((await exec(engine, id, { Cmd: ['sh', '-c', look('1')] })).stdout)
  },

  'with a terminal everything is one stream, and it has the size that is asked for': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const { stdout } = await exec(engine, id, { Cmd: ['sh', '-c', 'tty; echo err >&2'], Tty: true })
    expect(stdout).toBe('/dev/pts/0\r\nerr\r\n')
  },

  'a command that is not there is told on its output': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const { exitCode, stdout } = await exec(engine, id, { Cmd: ['nosuch'] })
    expect([126, 127]).toContain(exitCode)
    expect(stdout).toContain('exec: "nosuch": executable file not found in $PATH')
  },

  'a user that is not there is told on its output': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    expect((await exec(engine, id, { Cmd: ['true'], User: 'nobody-here' })).stdout).toContain('unable to find user nobody-here')
  },

  'detached it goes on by itself, and its end can be looked up': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const { Id } = await engine.raw.call(ContainerExec, { path: { id }, body: { Cmd: ['sh', '-c', 'echo there > /file; exit 3'] } })
    await (await engine.raw.call(ExecStart, { path: { id: Id }, body: { Detach: true } })).close()
    const inspect = () => engine.raw.call(ExecInspect, { path: { id: Id } })
    await eventually(async () => (await inspect()).Running === false)
    expect((await inspect()).ExitCode).toBe(3)
    expect((await exec(engine, id, { Cmd: ['cat', '/file'] })).stdout).toBe('there\n')
  },

  'it can be started once': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const { Id } = await engine.raw.call(ContainerExec, { path: { id }, body: { Cmd: ['true'], AttachStdout: true } })
    await collect((await engine.raw.call(ExecStart, { path: { id: Id }, body: {} })).output)
    const inspect = await engine.raw.call(ExecInspect, { path: { id: Id } })
    expect({ Running: inspect.Running, ExitCode: inspect.ExitCode, ContainerID: inspect.ContainerID }).toEqual({
      Running: false,
      ExitCode: 0,
      ContainerID: id
    })
  },

  'of a container that does not run it is a conflict, without a command an invalid argument': async ({ engine, image }) => {
    const created = await image.cmd(...busy).create()
    await expectError(engine.raw.call(ContainerExec, { path: { id: created.id }, body: { Cmd: ['true'] } }), 'conflict', /is not running/)
    await created.start()
    await expectError(
      engine.raw.call(ContainerExec, { path: { id: created.id }, body: { Cmd: [] } }),
      'invalid_argument',
      /No exec command specified/
    )
    await expectError(engine.raw.call(ExecInspect, { path: { id: 'f00f00' } }), 'not_found', /No such exec instance/)
  },

  'many at once each get their own output': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const results = await Promise.all(Array.from({ length: 12 }, (_, n) => exec(engine, id, { Cmd: ['echo', String(n)] })))
    expect(results.map(({ stdout }) => stdout.trim())).toEqual(Array.from({ length: 12 }, (_, n) => String(n)))
  },

  'its output ends with the container': async ({ engine, image }) => {
    const container = await image.cmd(...busy).start()
    const { Id } = await engine.raw.call(ContainerExec, {
      path: { id: container.id },
      body: { Cmd: ['sh', '-c', 'echo begun; sleep 1000'], AttachStdout: true }
    })
    const { output } = await engine.raw.call(ExecStart, { path: { id: Id }, body: {} })
    let text = ''
    for await (const { data } of output) {
      text += Buffer.from(data).toString('utf8')
      if (text === 'begun\n') await container.kill()
    }
    expect(text).toBe('begun\n')
  }
})
