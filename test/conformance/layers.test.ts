// Needs: root and the lab (test/lab).
import { expect } from 'vitest'
import { busyboxLayer, busyboxSettings } from '../lab/images/busybox.js'
import { makeImage } from '../lab/images/image.js'
import { layerOfTar } from '../lab/images/layer.js'
import { push } from '../lab/images/push.js'
import { richLayers } from '../lab/images/rich-layers.js'
import { findParts } from '../lab/parts.js'
import { conform } from './conform.js'

/** Mode, kind, owner, links, seconds, device: one line each. */
const look = `
stat -c '%n %a %F %u:%g %h %s %Y' d/setuid e/linked e/deeper/linked-again e/link e/dangling times/precise times/after times/link \\
  owners/17-bits owners/22-bits owners/32-bits owners/pax sparse/new devices/pipe d/file
stat -c '%n %a %F %u:%g %Y' d e/deeper
stat -c '%n %a %F %u:%g %t:%T' devices/null devices/disk
ls -A hidden opaque names | sed 's/[^ -~]/?/g'
cat names/latin1-*; echo; tail -c +1000001 sparse/new | head -c 3; echo
head -c 1000000 sparse/new | tr -d '\\0' | wc -c
for link in e/link e/dangling; do readlink $link; done
`

conform('layers', {
  'a container finds what the layers of its image hold: owners beyond 16 bits, links, devices, holes, strange names, and not what they remove':
    async ({ engine, lab, unique }) => {
      const base = await busyboxLayer((await findParts(['busybox'])).paths.get('busybox') ?? '')
      const reference = `${unique('rich')}:latest`
      await push(lab.registry?.address ?? '', reference, makeImage([base, ...richLayers().map(layerOfTar)], { settings: busyboxSettings }))
      const image = await engine.image(`${lab.registry?.address}/${reference}`).pull()
      expect((await image.run(['sh', '-c', look]).text()).trimEnd().split('\n')).toEqual([
        'd/setuid 6755 regular file 65534:0 1 7 1000000000',
        'e/linked 640 regular file 12:34 3 7 1000000000',
        'e/deeper/linked-again 640 regular file 12:34 3 7 1000000000',
        'e/link 777 symbolic link 5:6 2 9 1000000000',
        'e/dangling 777 symbolic link 0:0 1 8 1000000000',
        'times/precise 644 regular empty file 0:0 1 0 1234567890',
        'times/after 644 regular empty file 0:0 1 0 4294967296',
        'times/link 777 symbolic link 0:0 1 7 1000000000',
        'owners/17-bits 644 regular empty file 70000:100000 1 0 1000000000',
        'owners/22-bits 644 regular empty file 3000000:4000000 1 0 1000000000',
        'owners/32-bits 644 regular empty file 4294967294:2147483648 1 0 1000000000',
        'owners/pax 644 regular empty file 3000000000:2097152 1 0 1000000000',
        'sparse/new 644 regular file 0:0 1 3000000 1000000000',
        'devices/pipe 622 fifo 0:0 1 0 1000000000',
        'd/file 644 regular file 1:0 1 7 1000000000',
        'd 700 directory 0:0 1000000000',
        'e/deeper 1777 directory 0:0 1000000000',
        'devices/null 666 character special file 0:0 1:3',
        'devices/disk 660 block special file 0:6 12c:11170',
        'hidden:',
        '',
        'names:',
        ' space',
        'l-?',
        'latin1-??',
        'new?line',
        'utf8-??',
        '',
        'opaque:',
        'above',
        'not UTF-8',
        'new',
        '0',
        '../d/file',
        '/nowhere'
      ])
      await image.remove({ force: true })
    }
})
