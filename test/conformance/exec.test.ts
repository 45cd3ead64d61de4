// Needs: root and the lab (test/lab).
import { ContainerCreate, ContainerExec, type ExecConfig, ExecInspect, ExecResize, ExecStart, SystemEvents } from 'gantry/api'
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
    const settings = {
      Cmd: ['sh', '-c', 'echo $FROM $EXTRA; pwd; id -u; id -g; id -G'],
      Env: ['EXTRA=exec'],
      WorkingDir: '/tmp',
      User: '1234:77'
    }
    expect((await exec(engine, id, settings)).stdout).toBe('container exec\n/tmp\n1234\n77\n77\n')
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
  },

  'why it could not be started is told in words of its own': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const why = async (settings: ExecConfig) => {
      const { exitCode, stdout } = await exec(engine, id, settings)
      return [exitCode, stdout.replace(/^OCI runtime exec failed: exec failed: (unable to start container process: )?/, '').trim()]
    }
    expect(await why({ Cmd: ['/nonexistent'] })).toEqual([
      126,
      'exec: "/nonexistent": stat /nonexistent: no such file or directory: unknown'
    ])
    expect(await why({ Cmd: ['/etc'] })).toEqual([126, 'exec: "/etc": permission denied: unknown'])
    expect(await why({ Cmd: [''] })).toEqual([126, 'exec: "": executable file not found in $PATH: unknown'])
    expect(await why({ Cmd: ['true'], WorkingDir: '/nowhere' })).toEqual([
      126,
      'chdir to cwd ("/nowhere") set in config.json failed: no such file or directory: unknown'
    ])
    expect(await why({ Cmd: ['true'], WorkingDir: 'tmp' })).toEqual([126, 'Cwd must be an absolute path: unknown'])
    expect(await why({ Cmd: ['true'], User: 'root:nosuch' })).toEqual([
      126,
      'unable to find group nosuch: no matching entries in group file'
    ])
  },

  'detached, a command that is not there is an error of the start': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const { Id } = await engine.raw.call(ContainerExec, { path: { id }, body: { Cmd: ['nosuch'] } })
    const started = engine.raw.call(ExecStart, { path: { id: Id }, body: { Detach: true } })
    await expectError(started, 'invalid_argument', /exec: "nosuch": executable file not found in \$PATH/)
    expect(await engine.raw.call(ExecInspect, { path: { id: Id } })).toMatchObject({
      Running: false,
      ExitCode: 126,
      CanRemove: false,
      Pid: 0
    })
  },

  'it has the limits of the container, and its own home': async ({ engine, image }) => {
    const { Id: id } = await engine.raw.call(ContainerCreate, {
      body: {
        Image: image.reference,
        Cmd: busy,
        User: '1234',
        HostConfig: { Ulimits: [{ Name: 'nofile', Soft: 77, Hard: 99 }], OomScoreAdj: 321 }
      }
    })
    await (await engine.container(id)).start()
    const script = 'ulimit -n; cat /proc/self/oom_score_adj; echo $HOME; echo $TERM; id -G'
    expect((await exec(engine, id, { Cmd: ['sh', '-c', script], User: '0' })).stdout).toBe('77\n321\n/root\n\n0\n')
    expect((await exec(engine, id, { Cmd: ['sh', '-c', script], User: '0', Tty: true })).stdout).toBe(
      '77\r\n321\r\n/root\r\nxterm\r\n0\r\n'
    )
  },

  'a signal that ended it is in its exit code': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    expect((await exec(engine, id, { Cmd: ['sh', '-c', 'kill -9 $$'] })).exitCode).toBe(137)
  },

  'it can be looked at before, while and after it runs': async ({ engine, image }) => {
    const container = await image.cmd(...busy).start()
    const settings = { Cmd: ['sh', '-c', 'read line; exit 4'], AttachStdin: true, AttachStdout: true, DetachKeys: 'ctrl-x,y', User: '0' }
    const { Id } = await engine.raw.call(ContainerExec, { path: { id: container.id }, body: settings })
    const inspect = () => engine.raw.call(ExecInspect, { path: { id: Id } })
    const fixed = {
      ID: Id,
      ProcessConfig: { tty: false, entrypoint: 'sh', arguments: ['-c', 'read line; exit 4'], privileged: false, user: '0' },
      OpenStdin: true,
      OpenStdout: true,
      OpenStderr: false,
      ContainerID: container.id,
      DetachKeys: Buffer.of(24, 'y'.charCodeAt(0)).toString('base64')
    }
    expect(await inspect()).toEqual({ ...fixed, Running: false, ExitCode: null, CanRemove: false, Pid: 0 })
    expect((await container.inspect()).ExecIDs).toEqual([Id])
    const connection = await engine.raw.call(ExecStart, { path: { id: Id }, body: {} })
    const running = await eventually(async () => {
      const seen = await inspect()
      return (seen.Pid ?? 0) > 0 && seen
    })
    expect(running).toEqual({ ...fixed, Running: true, ExitCode: null, CanRemove: false, Pid: running.Pid })
    await expectError(engine.raw.call(ExecStart, { path: { id: Id }, body: { Detach: true } }), 'conflict', /is already running/)
    await connection.write(Buffer.from('line\n'))
    await collect(connection.output)
    expect(await inspect()).toEqual({ ...fixed, Running: false, ExitCode: 4, CanRemove: expect.any(Boolean), Pid: running.Pid })
    expect((await container.inspect()).ExecIDs).toBeNull()
    await expectError(engine.raw.call(ExecStart, { path: { id: Id }, body: { Detach: true } }), 'conflict', /has already run/)
    await expectError(engine.raw.call(ExecResize, { path: { id: Id }, query: { h: 10, w: 10 } }), ['not_found', 'failed'])
  },

  'one that was not started goes with the run of its container': async ({ engine, image }) => {
    const container = await image.cmd(...busy).start()
    const { Id } = await engine.raw.call(ContainerExec, { path: { id: container.id }, body: { Cmd: ['true'] } })
    await container.kill()
    await expectError(engine.raw.call(ExecInspect, { path: { id: Id } }), 'not_found', /No such exec instance/)
    await expectError(engine.raw.call(ExecStart, { path: { id: Id }, body: {} }), 'not_found', /No such exec instance/)
  },

  'its terminal can be resized': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const { Id } = await engine.raw.call(ContainerExec, {
      path: { id },
      body: { Cmd: ['sh', '-c', 'read _; stty size'], Tty: true, AttachStdin: true, AttachStdout: true }
    })
    const connection = await engine.raw.call(ExecStart, { path: { id: Id }, body: { Tty: true } })
    await engine.raw.call(ExecResize, { path: { id: Id }, query: { h: 33, w: 99 } })
    await connection.write(Buffer.from('\n'))
    expect(text(await collect(connection.output))).toContain('33 99')
  },

  'the detach keys end the connection to its terminal': async ({ engine, image }) => {
    const container = await image.cmd(...busy).start()
    for (const [DetachKeys, typed] of [
      [undefined, '\x10\x11'],
      ['ctrl-x,y', '\x18y']
    ] as const) {
      const { Id } = await engine.raw.call(ContainerExec, {
        path: { id: container.id },
        body: { Cmd: ['sleep', '1234'], Tty: true, AttachStdin: true, AttachStdout: true, ...(DetachKeys && { DetachKeys }) }
      })
      const connection = await engine.raw.call(ExecStart, { path: { id: Id }, body: { Tty: true } })
      for (const key of typed) await connection.write(Buffer.from(key))
      await collect(connection.output)
    }
    const wrong = { Cmd: ['true'], DetachKeys: 'ctrl-xx' }
    await expectError(engine.raw.call(ContainerExec, { path: { id: container.id }, body: wrong }), 'failed', /Invalid escape keys/)
  },

  'whoever leaves its connection does not end it': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const { Id } = await engine.raw.call(ContainerExec, {
      path: { id },
      body: { Cmd: ['sh', '-c', 'echo begun; sleep 0.5; echo more; echo over > /file'], AttachStdout: true }
    })
    const connection = await engine.raw.call(ExecStart, { path: { id: Id }, body: {} })
    for await (const _ of connection.output) break
    await connection.close()
    await eventually(async () => (await exec(engine, id, { Cmd: ['cat', '/file'] })).stdout === 'over\n')
  },

  'its events say what it runs and how it ended': async ({ engine, image }) => {
    const { id } = await image.cmd(...busy).start()
    const since = (Date.now() / 1000).toFixed(3)
    await exec(engine, id, { Cmd: ['sh', '-c', 'exit 3'] })
    await exec(engine, id, { Cmd: ['true'] })
    const leave = new AbortController()
    const seen: string[] = []
    const events = await engine.raw.call(SystemEvents, { query: { since, filters: { container: [id] } } }, { signal: leave.signal })
    for await (const { Action, Actor } of events) {
      if (!Action?.startsWith('exec_')) continue
      expect(Actor?.Attributes?.execID).toMatch(/^[0-9a-f]{64}$/)
      seen.push(Action.startsWith('exec_die') ? `${Action} ${Actor?.Attributes?.exitCode}` : Action)
      if (seen.length === 6) break
    }
    expect(seen).toEqual([
      'exec_create: sh -c exit 3',
      'exec_start: sh -c exit 3',
      'exec_die 3',
      'exec_create: true ',
      'exec_start: true ',
      'exec_die 0'
    ])
  }
})

function text(frames: readonly { readonly data: Uint8Array }[]): string {
  return Buffer.concat(frames.map(frame => frame.data)).toString()
}
