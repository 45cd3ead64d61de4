// Needs: root and the lab (test/lab): what a container may do, beside what it may do under dockerd.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine, type Engine, type ImageSpec } from 'gantry'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

const lab = inject('lab')
const reference = lab.images.debian
const obstacle =
  process.getuid?.() !== 0 || reference === undefined || lab.dockerd === undefined
    ? "needs root, the lab's dockerd and its Debian image"
    : undefined

/** Kinds of containers that are compared. dockerd cannot start a privileged one where the host lacks a capability. */
const kinds: Readonly<Record<string, (spec: ImageSpec) => ImageSpec>> = {
  default: spec => spec,
  privileged: spec => spec.security({ privileged: true }),
  'read-only': spec => spec.security({ readOnly: true }),
  'without capabilities': spec => spec.security({ capDrop: ['ALL'] }),
  'of another user': spec => spec.user('1234:5678')
}

/** x86_64 system calls, with arguments that do nothing: -1 for descriptors and numbers, 0 for addresses. What is filtered says EPERM or ENOSYS. */
const calls: Readonly<Record<string, number>> = {
  read: 0,
  open: 2,
  stat: 4,
  poll: 7,
  mmap: 9,
  ioctl: 16,
  pipe: 22,
  socket: 41,
  connect: 42,
  bind: 49,
  clone_thread: 56,
  uname: 63,
  fcntl: 72,
  flock: 73,
  chmod: 90,
  chown: 92,
  ptrace: 101,
  syslog: 103,
  setuid: 105,
  getgroups: 115,
  capget: 125,
  mknod: 133,
  personality: 135,
  statfs: 137,
  setpriority: 141,
  mlock: 149,
  pivot_root: 155,
  prctl: 157,
  chroot: 161,
  acct: 163,
  mount: 165,
  umount2: 166,
  swapon: 167,
  swapoff: 168,
  sethostname: 170,
  setdomainname: 171,
  iopl: 172,
  ioperm: 173,
  init_module: 175,
  delete_module: 176,
  quotactl: 179,
  setxattr: 188,
  futex: 202,
  io_setup: 206,
  lookup_dcookie: 212,
  mbind: 237,
  set_mempolicy: 238,
  get_mempolicy: 239,
  kexec_load: 246,
  add_key: 248,
  request_key: 249,
  keyctl: 250,
  inotify_init: 253,
  migrate_pages: 256,
  unshare: 272,
  splice: 275,
  move_pages: 279,
  perf_event_open: 298,
  fanotify_init: 300,
  name_to_handle_at: 303,
  open_by_handle_at: 304,
  setns: 308,
  process_vm_readv: 310,
  kcmp: 312,
  finit_module: 313,
  seccomp: 317,
  getrandom: 318,
  memfd_create: 319,
  bpf: 321,
  userfaultfd: 323,
  statx: 332
}

/** Differences that are meant: lines that are not compared, and why. */
const meant: readonly { readonly lines: RegExp; readonly why: string }[] = [
  {
    lines: /latency_stats|sched_debug|timer_stats|powercap|interrupts|\/proc\/asound/,
    why: 'Docker has hidden these since dockerd 20.10: the list is the one of today'
  },
  { lines: /^(name_to_handle_at|process_vm_readv) /, why: "Docker's profile has let these through since dockerd 20.10" },
  { lines: /\/proc\/kcore$/, why: 'crun makes the link /dev/core, runc does not; what it leads to is hidden in both' },
  {
    lines: /^\/proc\/(bus|fs|irq|sys|sysrq-trigger|keys|timer_list|acpi|scsi|kcore) /,
    why: 'both show them read-only or hidden; crun leaves out flags of the mount, and hides behind /dev/null'
  }
]

const perl = (script: string) => ['perl', '-e', script]

const probes: Readonly<Record<string, string[]>> = {
  'identity and limits': ['sh', '-c', 'id; ulimit -a | grep -v -E "pending|processes|open files"; pwd; umask'],
  'capabilities and filter': ['grep', '-E', '^(Cap...|Seccomp|NoNewPrivs):', '/proc/self/status'],
  'system calls': perl(
    `my %c=(${Object.entries(calls)
      .map(([name, number]) => `'${name}'=>${number}`)
      .join(
        ','
      )}); for my $n (sort keys %c) { next if $n eq 'clone_thread'; $!=0; my $r=syscall($c{$n},-1,0,0,0,0,0); print "$n ", ($r>=0 ? 'ok' : 0+$!), "\n" }`
  ),
  devices: ['sh', '-c', 'ls -l /dev | sed -E "s/ +/ /g" | cut -d" " -f1,3-6,10- | grep -v -E "^total|loop|vport|vcs|tty[0-9S]|hvc" | sort'],
  mounts: ['sh', '-c', "awk '{print $5, $6, $(NF-2)}' /proc/self/mountinfo | grep -v -E '/etc/|/sys/fs/cgroup/|^/ ' | sort"],
  'what can be written': [
    'sh',
    '-c',
    'for f in / /proc/sys/kernel/hostname /proc/sys/net/ipv4/ip_forward /proc/sysrq-trigger /proc/irq /proc/kcore /proc/timer_list /sys /sys/kernel /sys/fs/cgroup /sys/firmware /dev /dev/shm /dev/mqueue /tmp /etc/hosts; do test -w $f && echo "$f writable" || echo "$f not writable"; done'
  ]
}

describe.skipIf(obstacle !== undefined)(`isolation beside dockerd's${obstacle === undefined ? '' : ` (${obstacle})`}`, () => {
  let root: string
  let ours: Engine
  let theirs: Engine
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'gantry-isolation-'))
    ours = await createEngine({ transport: 'in-process', root })
    theirs = await createEngine({ host: lab.dockerd?.host ?? '' })
    await Promise.all([ours, theirs].map(engine => engine.image(reference ?? '').pull()))
  })
  afterAll(async () => {
    await Promise.all([ours.close(), theirs.close()])
    await rm(root, { recursive: true, force: true })
  })

  for (const [kind, change] of Object.entries(kinds)) {
    for (const [probe, argv] of Object.entries(probes)) {
      it(`${kind}: ${probe}`, async context => {
        const look = async (engine: Engine) => {
          const { stdout } = await change(engine.image(reference ?? '')).run(argv, { remove: true })
          return stdout.split('\n').filter(line => line !== '' && !meant.some(({ lines }) => lines.test(line)))
        }
        let expected: string[]
        try {
          expected = await look(theirs)
        } catch (error) {
          // The oracle cannot say: with a capability missing from the host's bounding set, dockerd starts no privileged container.
          expect(String(error)).toMatch(/capabilit|operation not permitted/i)
          expect((await look(ours)).length).toBeGreaterThan(0)
          context.skip(`dockerd cannot start it on this host: ${error instanceof Error ? error.message : String(error)}`)
          return
        }
        expect(await look(ours)).toEqual(expected)
      })
    }
  }
})
