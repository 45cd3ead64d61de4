import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { currentProcess, identify, isAlive, parseStartTicks } from '../../../../runtime/host/process-identity.js'

describe.skipIf(process.platform !== 'linux')('process identity (needs Linux)', () => {
  it('finds this process alive, and not a process with its number and another start', () => {
    const self = currentProcess()
    expect(self.pid).toBe(process.pid)
    expect(isAlive(self)).toBe(true)
    expect(isAlive({ ...self, startTime: `1${self.startTime}` })).toBe(false)
  })

  it('finds a child alive until it is killed', async () => {
    const child = spawn('sleep', ['60'])
    await once(child, 'spawn')
    const identity = identify(child.pid ?? 0)
    expect(identity).toBeDefined()
    if (identity === undefined) return
    expect(isAlive(identity)).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(isAlive(identity)).toBe(false)
  })

  it('finds no process under a number that is not in use', () => {
    expect(identify(0x7fffffff)).toBeUndefined()
  })
})

describe('the stat line of a process', () => {
  const tail = (state: string) => `${state} 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 200`

  it('is read after the last parenthesis, whatever the command is called', () => {
    expect(parseStartTicks(`42 (a) b (c) ${tail('S')}`)).toBe('987654')
  })

  it('has no start time for a zombie', () => {
    expect(parseStartTicks(`42 (sh) ${tail('Z')}`)).toBeUndefined()
  })
})
