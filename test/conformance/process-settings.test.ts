// Needs: root and the lab (test/lab).
import { expect } from 'vitest'
import { conform } from './conform.js'
import { expectError } from './kit/errors.js'

/** `NAME=value` lines as an object. */
const variables = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter(line => line.includes('='))
      .map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
  )

conform(
  'environment, user, folder, entry point',
  {
    'a process has PATH, HOSTNAME and HOME, and nothing of the caller': async ({ image }) => {
      const process = image.run(['env'])
      const environment = variables(await process.text())
      expect(environment).toEqual({
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOSTNAME: (await process.id).slice(0, 12),
        HOME: '/root'
      })
    },

    'with a terminal there is TERM too': async ({ image }) => {
      const { output } = await image.run(['env'], { tty: true })
      expect(variables(output.replaceAll('\r', ''))).toMatchObject({ TERM: 'xterm' })
    },

    'variables are those of the image with those that were set on top': async ({ engine, reference }) => {
      const spec = engine.image(reference('entrypoint')).entrypoint('/bin/env').env({ GREETING: 'changed', ADDED: 'a=b c' })
      expect(variables(await spec.run().text())).toMatchObject({
        PATH: '/usr/local/bin:/usr/bin:/bin',
        GREETING: 'changed',
        EMPTY: '',
        ADDED: 'a=b c',
        HOME: '/home/app'
      })
    },

    'env of a run adds to env of the spec': async ({ image }) => {
      const text = await image
        .env({ A: 'spec', B: 'spec' })
        .run(['env'], { env: { B: 'run', C: 'run' } })
        .text()
      expect(variables(text)).toMatchObject({ A: 'spec', B: 'run', C: 'run' })
    },

    'HOME and HOSTNAME can be set': async ({ image }) => {
      const text = await image.env({ HOME: '/elsewhere', HOSTNAME: 'said-so' }).run(['env']).text()
      expect(variables(text)).toMatchObject({ HOME: '/elsewhere', HOSTNAME: 'said-so' })
    },

    'the working folder is the one of the image, else /': async ({ engine, image, reference }) => {
      expect(await image.run(['pwd']).text()).toBe('/\n')
      expect(await engine.image(reference('entrypoint')).entrypoint('/bin/pwd').run().text()).toBe('/work/dir\n')
    },

    'a working folder that is missing is made': async ({ image }) => {
      expect(await image.cwd('/made/on/the/way').run(['sh', '-c', 'pwd; stat -c "%u %a" .']).text()).toBe('/made/on/the/way\n0 755\n')
    },

    'a user is found by name, with its groups': async ({ image }) => {
      const text = await image.user('app').run(['sh', '-c', 'id -u; id -g; id -G; echo $HOME']).text()
      expect(text).toBe('1000\n1000\n1000 2000\n/home/app\n')
    },

    'a user is found by number': async ({ image }) => {
      expect(await image.user('1000').run(['sh', '-c', 'id -u; id -g; id -G']).text()).toBe('1000\n1000\n1000 2000\n')
    },

    'a number that no user has is taken, with group 0': async ({ image }) => {
      expect(await image.user('12345').run(['sh', '-c', 'id -u; id -g; echo $HOME']).text()).toBe('12345\n0\n/\n')
    },

    'a group that is named replaces those of the user': async ({ image }) => {
      expect(await image.user('app:extra').run(['sh', '-c', 'id -u; id -g; id -G']).text()).toBe('1000\n2000\n2000\n')
      expect(await image.user('1000:50').run(['sh', '-c', 'id -u; id -g; id -G']).text()).toBe('1000\n50\n50\n')
    },

    'a user or group that is not there rejects with its name': async ({ image }) => {
      await expectError(image.user('nobody-here').run(['true']), ['invalid_argument', 'not_found', 'failed'], /nobody-here/)
      await expectError(image.user('app:no-group').run(['true']), ['invalid_argument', 'not_found', 'failed'], /no-group/)
    },

    'user, working folder and variables of a run come before those of the image': async ({ engine, reference }) => {
      const spec = engine.image(reference('entrypoint')).entrypoint('/bin/sh', '-c')
      expect(await spec.run(['id -u; pwd'], { user: 'root', cwd: '/tmp' }).text()).toBe('0\n/tmp\n')
    },

    'entry point and command of the image are put together': async ({ engine, reference }) => {
      expect(await engine.image(reference('entrypoint')).run().text()).toBe('entry from cmd\n')
    },

    'a command replaces that of the image and keeps its entry point': async ({ engine, reference }) => {
      expect(await engine.image(reference('entrypoint')).run(['x', 'y']).text()).toBe('entry x y\n')
    },

    'an entry point replaces that of the image, and its command with it': async ({ engine, reference }) => {
      const spec = engine.image(reference('entrypoint')).entrypoint('/bin/echo', 'other')
      expect(await spec.run().text()).toBe('other\n')
      expect(await spec.run(['z']).text()).toBe('other z\n')
    },

    'an empty entry point takes away that of the image': async ({ engine, reference }) => {
      expect(await engine.image(reference('entrypoint')).entrypoint().run(['/bin/echo', 'plain']).text()).toBe('plain\n')
    },

    'the command is process 1 of its own process namespace': async ({ image }) => {
      expect(await image.run(['sh', '-c', 'echo $$; ls -d /proc/[0-9]* | wc -l']).text()).toMatch(/^1\n[1-4]\n$/)
    },

    'the host name is the short id, or the one that was set': async ({ image }) => {
      const process = image.run(['sh', '-c', 'hostname; cat /etc/hostname'])
      const short = (await process.id).slice(0, 12)
      expect(await process.text()).toBe(`${short}\n${short}\n`)
      expect(await image.hostname('box').run(['sh', '-c', 'hostname; cat /etc/hostname']).text()).toBe('box\nbox\n')
    },

    'hosts has localhost, the own address, and what was added': async ({ image }) => {
      const text = await image.hostname('box').hosts({ 'db.example': '192.0.2.7' }).run(['cat', '/etc/hosts']).text()
      const lines = text
        .trim()
        .split('\n')
        .map(line => line.split(/\s+/))
      expect(lines).toContainEqual(['127.0.0.1', 'localhost'])
      expect(lines).toContainEqual(['192.0.2.7', 'db.example'])
      expect(lines.find(line => line.includes('box'))?.[0]).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
    },

    'resolv.conf has the name servers that were set': async ({ image }) => {
      const text = await image.dns('192.0.2.53', '192.0.2.54').run(['cat', '/etc/resolv.conf']).text()
      expect(text.match(/^nameserver .*$/gm)).toEqual(['nameserver 192.0.2.53', 'nameserver 192.0.2.54'])
    },

    'resolv.conf is there without being asked for, and never names a loopback server': async ({ image }) => {
      const text = await image.run(['cat', '/etc/resolv.conf']).text()
      expect(text).toMatch(/^nameserver /m)
      expect(text).not.toMatch(/^nameserver (127\.|::1)/m)
    },

    "the process has Docker's capabilities, no more, and the system call filter": async ({ image }) => {
      const text = await image.run(['grep', '-E', '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|Seccomp|NoNewPrivs):', '/proc/self/status']).text()
      const status = Object.fromEntries(
        text
          .trim()
          .split('\n')
          .map(line => line.split(/:\s+/))
      )
      expect(status).toMatchObject({
        CapPrm: '00000000a80425fb',
        CapEff: '00000000a80425fb',
        CapBnd: '00000000a80425fb',
        CapAmb: '0000000000000000',
        Seccomp: '2',
        NoNewPrivs: '0'
      })
    },

    'an ordinary user has no capability in effect': async ({ image }) => {
      expect(await image.user('app').run(['grep', 'CapEff', '/proc/self/status']).text()).toMatch(/CapEff:\s+0+\n/)
    },

    'capabilities can be dropped and added, and privileges kept from growing': async ({ image }) => {
      const spec = image.security({ capDrop: ['ALL'], capAdd: ['NET_ADMIN'], noNewPrivileges: true })
      const text = await spec.run(['grep', '-E', '^(CapEff|NoNewPrivs):', '/proc/self/status']).text()
      expect(text.replaceAll('\t', ' ')).toBe('CapEff: 0000000000001000\nNoNewPrivs: 1\n')
    },

    'the root file system can be read-only': async ({ image }) => {
      const { exitCode, stderr } = await image.security({ readOnly: true }).run(['touch', '/file'])
      expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/Read-only file system/)])
    },

    "/dev has Docker's devices": async ({ image }) => {
      // /dev/core is there only where the kernel has /proc/kcore.
      const names = (await image.run(['ls', '/dev']).text())
        .trim()
        .split('\n')
        .filter(name => name !== 'core')
      const links = ['fd', 'ptmx', 'stderr', 'stdin', 'stdout']
      const devices = ['full', 'null', 'random', 'tty', 'urandom', 'zero']
      expect(names.sort()).toEqual([...links, ...devices, 'mqueue', 'pts', 'shm'].sort())
    },

    'parts of /proc and /sys are hidden or read-only': async ({ image }) => {
      const hidden = 'cat /proc/timer_list /proc/keys | wc -c; ls /sys/firmware | wc -l'
      const readOnly = 'echo 1 2>/dev/null > /proc/sys/vm/drop_caches || echo read-only; mkdir /sys/x 2>/dev/null || echo read-only'
      expect(await image.run(['sh', '-c', `${hidden}; ${readOnly}`]).text()).toBe('0\n0\nread-only\nread-only\n')
    }
  },
  { images: ['entrypoint'] }
)
