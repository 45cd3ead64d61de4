import { EngineError } from '../../src/errors/index.js'
import type { SpecUser } from './runtime-spec.js'

/** Who a container's process runs as, and where that user lives. */
export interface ResolvedUser extends SpecUser {
  readonly home: string
}

/** The texts of the container's own user database; absent files are empty. */
export interface UserDatabase {
  readonly passwd: string
  readonly group: string
}

interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

interface GroupEntry {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

const largestId = 2 ** 31 - 1

/**
 * Resolve Docker's `user[:group]` against the container's /etc/passwd and /etc/group. A number needs no entry; a
 * name does. Without a group, the user's primary group and all the groups that list the user count; with one, only
 * that.
 *
 * @throws EngineError `failed` in Docker's words for a user or group that is not there
 */
export function resolveUser(spec: string, database: UserDatabase, extraGroups: readonly string[] = []): ResolvedUser {
  const users = parsePasswd(database.passwd)
  const groups = parseGroup(database.group)
  const [userPart = '', groupPart = ''] = spec.split(':', 2)
  const wanted = userPart === '' ? '0' : userPart
  const entry = users.find(user => user.name === wanted) ?? users.find(user => String(user.uid) === wanted)
  const uid = entry?.uid ?? numberOf(wanted)
  if (uid === undefined) {
    throw new EngineError('failed', `unable to find user ${wanted}: no matching entries in passwd file`, {
      details: { user: spec }
    })
  }
  const additional = new Set<number>()
  let gid = entry?.gid ?? 0
  if (groupPart !== '') gid = groupId(groupPart, groups)
  else if (entry !== undefined) for (const group of groups) if (group.members.includes(entry.name)) additional.add(group.gid)
  for (const extra of extraGroups) additional.add(groupId(extra, groups, 'Unable'))
  const ids = { uid, gid, home: entry?.home ?? '/' }
  // The primary group is always among them and comes first (CVE-2022-36109): giving it up must not open what it is denied.
  return { ...ids, additionalGids: [gid, ...[...additional].filter(id => id !== gid)] }
}

function groupId(text: string, groups: readonly GroupEntry[], unable = 'unable'): number {
  const id = groups.find(group => group.name === text)?.gid ?? numberOf(text)
  if (id !== undefined) return id
  throw new EngineError('failed', `${unable} to find group ${text}: no matching entries in group file`, { details: { group: text } })
}

/** A number that needs no entry; undefined for what is none. */
function numberOf(text: string): number | undefined {
  if (!/^[+-]?\d{1,18}$/.test(text)) return undefined
  const id = Number(text)
  if (id >= 0 && id <= largestId) return id
  throw new EngineError('failed', `uids and gids must be in range 0-${largestId}`, { details: { id: text } })
}

function parseId(text: string): number | undefined {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  return id <= largestId ? id : undefined
}

function parsePasswd(text: string): readonly PasswdEntry[] {
  return fields(text).flatMap(([name, , uid, gid, , home]) => {
    const ids = [parseId(uid ?? ''), parseId(gid ?? '')] as const
    if (name === undefined || ids[0] === undefined || ids[1] === undefined) return []
    return [{ name, uid: ids[0], gid: ids[1], home: home === undefined || home === '' ? '/' : home }]
  })
}

function parseGroup(text: string): readonly GroupEntry[] {
  return fields(text).flatMap(([name, , gidText, members]) => {
    const gid = parseId(gidText ?? '')
    return name === undefined || gid === undefined ? [] : [{ name, gid, members: (members ?? '').split(',') }]
  })
}

function fields(text: string): readonly string[][] {
  return text
    .split('\n')
    .filter(line => line.trim() !== '' && !line.startsWith('#'))
    .map(line => line.trim().split(':'))
}
