import { writeSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openKernel } from '../../../../runtime/host/koffi-kernel.js'
import { pidFile, pidPipe } from '../../../../runtime/oci/pid-channel.js'

const never = new Promise<void>(() => {})

/** A pipe whose write end stays open in a copy, as in the OCI runtime that inherits it. */
async function openPipe() {
  const kernel = await openKernel()
  const inherited = kernel.pipe()
  const own = kernel.pipe()
  kernel.close(own.read)
  let written = inherited.write
  return {
    kernel,
    channel: await pidPipe({ pipe: async () => ({ read: inherited.read, write: own.write }), closeFd: fd => kernel.close(fd) }),
    write: (text: string) => writeSync(written, text),
    close: () => {
      kernel.close(written)
      written = -1
    }
  }
}

describe.skipIf(process.platform !== 'linux')('the pipe for the pid (needs Linux)', () => {
  it('gives the number as soon as it is written, whether or not the runtime has ended', async () => {
    const { channel, write, close } = await openPipe()
    const pid = channel.pid(never)
    write('4242\n')
    expect(await pid).toBe(4242)
    close()
  })

  it('gives the number of a runtime that has ended before anybody looked', async () => {
    const { channel, write, close } = await openPipe()
    write('4242')
    close()
    expect(await channel.pid(Promise.resolve())).toBe(4242)
  })

  it('gives nothing when the runtime ends without a word, also where something else holds the pipe', async () => {
    const held = await openPipe()
    expect(await held.channel.pid(Promise.resolve())).toBeUndefined()
    held.close()
  })

  it('gives nothing when the pipe is closed without a word', async () => {
    const { channel, close } = await openPipe()
    const pid = channel.pid(never)
    close()
    expect(await pid).toBeUndefined()
  })
})

describe('the file for the pid', () => {
  it('gives the number of a file that appears by a rename', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gantry-pid-'))
    const channel = await pidFile(folder)
    const pid = channel.pid(never)
    await writeFile(join(folder, '.pid'), '77')
    await rename(join(folder, '.pid'), channel.path)
    expect(await pid).toBe(77)
    await rm(folder, { recursive: true })
  })

  it('gives nothing when the runtime ends without it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gantry-pid-'))
    const channel = await pidFile(folder)
    expect(await channel.pid(Promise.resolve())).toBeUndefined()
    await rm(folder, { recursive: true })
  })
})
