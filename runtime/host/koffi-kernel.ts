import { writeSync } from 'node:fs'
import { constants } from 'node:os'
import type { LibraryHandle } from 'koffi'
import { EngineError } from '../../src/errors/engine-error.js'
import { type ChildExit, currentDirectory, type Kernel, type MountCall } from './kernel.js'
import { bindSpawn } from './posix-spawn.js'
import { SystemCallError } from './system-call-error.js'

const closeOnExec = 0o2000000
const waitNoHang = 1
/** memfd_create(2): close-on-exec, sealing allowed. */
const memoryFileFlags = 0x1 | 0x2
const addSeals = 1033
/** F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE. */
const allSeals = 0xf
const lockExclusiveNow = 2 | 4
const addressFamilyNetlink = 16
const addressFamilyInternet = 2
const socketStream = 1
const socketDatagram = 2
const socketRaw = 3
const nonBlocking = 0o4000
const listenBacklog = 128
const solNetlink = 270
const netlinkExtendedAck = 11
const netlinkCappedAck = 10
const messageDontWait = 0x40
const messageCloseOnExec = 0x40000000
const solSocket = 1
const scmRights = 1
/** openat2(2) has this number on every architecture. */
const openAt2Number = 437
/** So have open_tree(2) and move_mount(2). */
const openTreeNumber = 428
const pidfdOpenNumber = 434
const pidfdGetfdNumber = 438
const moveMountNumber = 429
const openTreeClone = 1
const atRecursive = 0x8000
/** move_mount(2): the source is the descriptor itself. */
const moveMountEmptyPath = 0x4

/**
 * The kernel through koffi. Symbols come from the C library this process already runs on, glibc or musl.
 *
 * @throws EngineError `not_supported` where koffi cannot be loaded or pointers are not 64 bits wide
 */
export async function openKernel(): Promise<Kernel> {
  const koffi = await loadKoffi()
  if (koffi.sizeof('void *') !== 8) {
    throw new EngineError('not_supported', `the in-process runtime needs a 64-bit Node.js, this one is ${process.arch}`)
  }
  return bind(koffi.load(null), () => koffi.errno(), koffi.address)
}

type Koffi = Pick<typeof import('koffi'), 'load' | 'errno' | 'address' | 'sizeof'>

async function loadKoffi(): Promise<Koffi> {
  try {
    return (await import('koffi')).default
  } catch (cause) {
    throw new EngineError('not_supported', 'the package koffi, which makes system calls, cannot be loaded: install it with `npm i koffi`', {
      cause
    })
  }
}

function bind(libc: LibraryHandle, errno: () => number, addressOf: (value: Uint8Array) => bigint): Kernel {
  const mount = libc.func('mount', 'int', ['str', 'str', 'str', 'ulong', 'str'])
  const umount2 = libc.func('umount2', 'int', ['str', 'int'])
  const unshare = libc.func('unshare', 'int', ['int'])
  const setns = libc.func('setns', 'int', ['int', 'int'])
  const chdir = libc.func('chdir', 'int', ['str'])
  const openat2 = libc.func('syscall', 'long', ['long', 'int', 'str', 'void *', 'size_t'])
  const numbered = libc.func('syscall', 'long', ['long', 'long', 'long', 'long'])
  const openTree = libc.func('syscall', 'long', ['long', 'int', 'str', 'uint'])
  const moveMount = libc.func('syscall', 'long', ['long', 'int', 'str', 'int', 'str', 'uint'])
  const pipe2 = libc.func('pipe2', 'int', ['void *', 'int'])
  const ioctl = libc.func('ioctl', 'int', ['int', 'ulong', 'void *'])
  const flock = libc.func('flock', 'int', ['int', 'int'])
  const socket = libc.func('socket', 'int', ['int', 'int', 'int'])
  const setsockopt = libc.func('setsockopt', 'int', ['int', 'int', 'int', 'void *', 'uint32'])
  const bindSocket = libc.func('bind', 'int', ['int', 'void *', 'uint32'])
  const listen = libc.func('listen', 'int', ['int', 'int'])
  const getsockname = libc.func('getsockname', 'int', ['int', 'void *', 'void *'])
  const send = libc.func('send', 'long', ['int', 'void *', 'size_t', 'int'])
  const recv = libc.func('recv', 'long', ['int', 'void *', 'size_t', 'int'])
  const recvmsg = libc.func('recvmsg', 'long', ['int', 'void *', 'int'])
  const ifNameToIndex = libc.func('if_nametoindex', 'uint', ['str'])
  const close = libc.func('close', 'int', ['int'])
  const memfdCreate = libc.func('memfd_create', 'int', ['str', 'uint'])
  const eventFd = libc.func('eventfd', 'int', ['uint', 'int'])
  const fcntl = libc.func('fcntl', 'int', ['int', 'int', 'int'])
  const waitpid = libc.func('waitpid', 'int', ['int', 'void *', 'int'])

  /** The result, or the errno as an error. A call that a signal interrupted is made again. */
  function checked(syscall: string, subject: string, call: () => number): number {
    for (;;) {
      const result = call()
      if (result >= 0) return result
      const error = new SystemCallError(syscall, errno(), subject)
      if (error.errno !== 'EINTR') throw error
    }
  }

  return {
    mount({ source, target, type, flags, options }: MountCall) {
      checked('mount', target, () => mount(source, target, type === '' ? null : type, flags, options === '' ? null : options))
    },
    unmount(target, flags) {
      checked('umount2', target, () => umount2(target, flags))
    },
    unshare(flags) {
      checked('unshare', '', () => unshare(flags))
    },
    cloneTree(path, { recursive }) {
      const flags = openTreeClone | closeOnExec | (recursive ? atRecursive : 0)
      return checked('open_tree', path, () => openTree(openTreeNumber, currentDirectory, path, flags))
    },
    placeTree(fd, target) {
      checked('move_mount', target, () => moveMount(moveMountNumber, fd, '', currentDirectory, target, moveMountEmptyPath))
    },
    setNamespace(fd, type) {
      checked('setns', '', () => setns(fd, type))
    },
    changeDirectory(path) {
      checked('chdir', path, () => chdir(path))
    },
    openAt(directoryFd, path, { flags, resolve }) {
      // struct open_how: flags, mode, resolve.
      const how = new BigUint64Array([BigInt(flags | closeOnExec), 0n, BigInt(resolve)])
      return checked('openat2', path, () => openat2(openAt2Number, directoryFd, path, how, how.byteLength))
    },
    copyDescriptor(pid, fd) {
      const handle = checked('pidfd_open', String(pid), () => numbered(pidfdOpenNumber, pid, 0, 0))
      try {
        return checked('pidfd_getfd', `${pid}/${fd}`, () => numbered(pidfdGetfdNumber, handle, fd, 0))
      } finally {
        close(handle)
      }
    },
    pipe() {
      const ends = new Int32Array(2)
      checked('pipe2', '', () => pipe2(ends, closeOnExec))
      const [read = -1, write = -1] = ends
      return { read, write }
    },
    fileFlags(fd) {
      const flags = new Uint32Array(2)
      checked('ioctl', 'FS_IOC_GETFLAGS', () => ioctl(fd, getFlagsRequest, flags))
      return flags[0] as number
    },
    setFileFlags(fd, flags) {
      checked('ioctl', 'FS_IOC_SETFLAGS', () => ioctl(fd, setFlagsRequest, new Uint32Array([flags, 0])))
    },
    setWindowSize(fd, { columns, rows }) {
      // struct winsize: rows, columns, and two unused pixel counts.
      const size = new Uint16Array([rows, columns, 0, 0])
      checked('ioctl', 'TIOCSWINSZ', () => ioctl(fd, setWindowSizeRequest(), size))
    },
    tryLock(fd) {
      try {
        checked('flock', '', () => flock(fd, lockExclusiveNow))
        return true
      } catch (error) {
        if (error instanceof SystemCallError && error.errno === 'EAGAIN') return false
        throw error
      }
    },
    openNetlink(protocol) {
      const fd = checked('socket', 'AF_NETLINK', () => socket(addressFamilyNetlink, socketRaw | closeOnExec, protocol))
      const on = new Int32Array([1])
      // Only for better messages: kernels before 4.12 and 4.3 have neither, and work as well.
      setsockopt(fd, solNetlink, netlinkExtendedAck, on, 4)
      setsockopt(fd, solNetlink, netlinkCappedAck, on, 4)
      return fd
    },
    openInternetSocket(kind, { address, port }) {
      const type = kind === 'stream' ? socketStream : socketDatagram
      const fd = checked('socket', 'AF_INET', () => socket(addressFamilyInternet, type | closeOnExec | nonBlocking, 0))
      try {
        // struct sockaddr_in: family(2, in the machine's byte order) port(2) address(4) zero(8).
        const name = new Uint8Array(16)
        const view = new DataView(name.buffer)
        new Uint16Array(name.buffer, 0, 1)[0] = addressFamilyInternet
        view.setUint16(2, port)
        view.setUint32(4, address)
        checked('bind', `port ${port}`, () => bindSocket(fd, name, name.byteLength))
        if (kind === 'stream') checked('listen', '', () => listen(fd, listenBacklog))
        checked('getsockname', '', () => getsockname(fd, name, new Uint32Array([name.byteLength])))
        return { fd, port: view.getUint16(2) }
      } catch (error) {
        close(fd)
        throw error
      }
    },
    send(fd, bytes) {
      checked('send', '', () => send(fd, bytes, bytes.byteLength, 0))
    },
    sendInBackground(fd, bytes) {
      return new Promise((resolve, reject) => {
        send.async(fd, bytes, bytes.byteLength, 0, (error: Error | null, sent: number) => {
          if (error !== null) reject(error)
          // The errno stays in the thread that made the call.
          else if (sent < 0) reject(new SystemCallError('send', 'EIO'))
          else resolve()
        })
      })
    },
    interfaceIndex(name) {
      const index: number = ifNameToIndex(name)
      if (index !== 0) return index
      const error = new SystemCallError('if_nametoindex', errno(), name)
      if (error.errno === 'ENODEV' || error.errno === 'ENXIO') return 0
      throw error
    },
    receive(fd, into) {
      return checked('recv', '', () => recv(fd, into, into.byteLength, 0))
    },
    receiveFd(socketFd) {
      const { header, parts } = fdMessage(addressOf)
      try {
        const received = checked('recvmsg', '', () => recvmsg(socketFd, header, messageDontWait | messageCloseOnExec))
        const fd = sentFd(parts.control)
        if (fd !== undefined) return fd
        return received === 0 ? 'closed' : 'pending'
      } catch (error) {
        if (error instanceof SystemCallError && error.errno === 'EAGAIN') return 'pending'
        throw error
      }
    },
    close(fd) {
      // Linux frees the number even where close reports EINTR: never a second try.
      if (close(fd) < 0) {
        const error = new SystemCallError('close', errno())
        if (error.errno !== 'EINTR') throw error
      }
    },
    sealedFile(name, content) {
      const fd = checked('memfd_create', name, () => memfdCreate(name, memoryFileFlags))
      for (let written = 0; written < content.byteLength; ) written += writeSync(fd, content, written)
      checked('fcntl', 'F_ADD_SEALS', () => fcntl(fd, addSeals, allSeals))
      return fd
    },
    eventCounter: () => checked('eventfd', '', () => eventFd(0, closeOnExec | nonBlocking)),
    spawn: bindSpawn(libc),
    reap(pid) {
      const status = new Int32Array(1)
      const reaped = checked('waitpid', String(pid), () => waitpid(pid, status, waitNoHang))
      return reaped === 0 ? undefined : childExit(status[0] ?? 0)
    }
  }
}

/** The low seven bits are the signal, the byte above them the exit code: wait(2). */
function childExit(status: number): ChildExit {
  const number = status & 0x7f
  if (number === 0) return { code: (status >> 8) & 0xff, signal: null }
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0]
  // The table's keys are the signals' names.
  return { code: null, signal: (name ?? 'SIGKILL') as NodeJS.Signals }
}

/** TIOCSWINSZ is from the generic list everywhere but on the architectures that kept BSD's numbers. */
/** Declared with a long, and yet an int is what is read and written. */
const getFlagsRequest = 0x8008_6601
const setFlagsRequest = 0x4008_6602

function setWindowSizeRequest(): number {
  return process.arch === 'ppc64' || process.arch === 'mips' || process.arch === 'mipsel' ? 0x80087467 : 0x5414
}

/**
 * struct msghdr for 64-bit Linux, with one data part and room for one control message:
 * name(8) namelen(8) iov(8) iovlen(8) control(8) controllen(8) flags(8); iovec is base(8) length(8).
 */
function fdMessage(addressOf: (value: Uint8Array) => bigint) {
  // The kernel writes through these addresses: the caller keeps `parts` until it has read them.
  const parts = { data: new Uint8Array(512), vector: new BigUint64Array(2), control: new Uint8Array(64) }
  parts.vector[0] = addressOf(parts.data)
  parts.vector[1] = BigInt(parts.data.byteLength)
  const vectorBytes = new Uint8Array(parts.vector.buffer)
  const header = new BigUint64Array([0n, 0n, addressOf(vectorBytes), 1n, addressOf(parts.control), BigInt(parts.control.byteLength), 0n])
  return { header, parts }
}

/** struct cmsghdr: length(8) level(4) type(4), then the descriptors. */
function sentFd(control: Uint8Array): number | undefined {
  const view = new DataView(control.buffer, control.byteOffset, control.byteLength)
  const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
  const length = Number(view.getBigUint64(0, littleEndian))
  if (length < 20 || view.getInt32(8, littleEndian) !== solSocket || view.getInt32(12, littleEndian) !== scmRights) return undefined
  return view.getInt32(16, littleEndian)
}
