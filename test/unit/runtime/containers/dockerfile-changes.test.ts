import { describe, expect, it } from 'vitest'
import { applyDockerfileChanges } from '../../../../runtime/containers/dockerfile-changes.js'

const apply = (...changes: string[]) => applyDockerfileChanges({}, changes)

describe('instructions of a commit', () => {
  it('commands are lists, or a line for the shell', () => {
    expect(apply('CMD ["a","b c"]', 'entrypoint run it')).toEqual({ Cmd: ['a', 'b c'], Entrypoint: ['/bin/sh', '-c', 'run it'] })
    expect(apply('SHELL ["/bin/ash","-c"]', 'CMD x').Cmd).toEqual(['/bin/ash', '-c', 'x'])
    expect(apply('CMD').Cmd).toBeNull()
  })

  it('variables and labels have quotes and blanks; the last value counts', () => {
    expect(apply('ENV A=1 B="x y" C=a\\ b', 'ENV A=2', 'ENV D one two').Env).toEqual(['A=2', 'B=x y', 'C=a b', 'D=one two'])
    expect(apply('LABEL a=b "c d"=\'e f\'').Labels).toEqual({ a: 'b', 'c d': 'e f' })
  })

  it('a text may hold several lines', () => {
    expect(apply('USER 1:2\n# a comment\nWORKDIR /a\nWORKDIR b\nEXPOSE 80-81 \\\n 90/udp')).toEqual({
      User: '1:2',
      WorkingDir: '/a/b',
      ExposedPorts: { '80/tcp': {}, '81/tcp': {}, '90/udp': {} }
    })
  })

  it('health checks have flags', () => {
    expect(apply('HEALTHCHECK --interval=5s --timeout=100ms --retries=2 CMD ["t"]').Healthcheck).toEqual({
      Test: ['CMD', 't'],
      Interval: 5_000_000_000,
      Timeout: 100_000_000,
      Retries: 2
    })
    expect(apply('HEALTHCHECK NONE').Healthcheck).toEqual({ Test: ['NONE'] })
  })

  it.each([
    ['RUN x', 'run is not a valid change command'],
    ['ENV', 'ENV requires at least one argument'],
    ['ENV A=1 B', `Syntax error - can't find = in "B". Must be of the form: name=value`],
    ['EXPOSE abc', 'Invalid containerPort: abc'],
    ['WORKDIR', 'WORKDIR requires exactly one argument'],
    ['HEALTHCHECK --often=1s CMD x', 'Unknown or bad flag: --often=1s']
  ])('%s: %s', (change, message) => {
    expect(() => apply(change)).toThrow(message)
  })
})
