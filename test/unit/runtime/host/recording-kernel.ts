import type { Kernel } from '../../../../runtime/host/kernel.js'

/** A kernel that does nothing and remembers what it was asked, in words. */
export interface RecordingKernel extends Kernel {
  readonly calls: string[]
}

export function recordingKernel(overrides: Partial<Kernel> = {}): RecordingKernel {
  const calls: string[] = []
  return {
    calls,
    mount: ({ source, target, type, flags, options }) => {
      calls.push(`mount ${source} ${target} ${type} ${flags} ${options}`)
    },
    unmount: (target, flags) => {
      calls.push(`unmount ${target} ${flags}`)
    },
    unshare: flags => {
      calls.push(`unshare ${flags}`)
    },
    cloneTree: () => 6,
    placeTree: (_fd, target) => {
      calls.push(`place ${target}`)
    },
    setNamespace: (_fd, type) => {
      calls.push(`setns ${type}`)
    },
    changeDirectory: path => {
      calls.push(`chdir ${path}`)
    },
    openAt: () => 3,
    copyDescriptor: () => 3,
    pipe: () => ({ read: 3, write: 4 }),
    fileFlags: () => 0,
    setFileFlags: (_fd, flags) => {
      calls.push(`flags ${flags}`)
    },
    setWindowSize: () => undefined,
    tryLock: () => true,
    openNetlink: () => 3,
    openInternetSocket: () => ({ fd: 3, port: 1 }),
    send: () => undefined,
    sendInBackground: async () => undefined,
    interfaceIndex: () => 0,
    receive: () => 0,
    receiveFd: () => 'closed',
    close: fd => {
      calls.push(`close ${fd}`)
    },
    spawn: ({ path }) => {
      calls.push(`spawn ${path}`)
      return 1
    },
    reap: () => undefined,
    sealedFile: () => 5,
    eventCounter: () => 6,
    ...overrides
  }
}
