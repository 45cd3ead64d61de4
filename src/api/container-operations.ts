import { defineOperation } from './define-operation.js'
import { containerCreateRequest } from './definitions/container-create-request.js'
import type { ContainerInspectResponse } from './definitions/container-inspect.js'
import type {
  ContainerCreateResponse,
  ContainerTopResponse,
  ContainerUpdateResponse,
  ContainerWaitResponse,
  FilesystemChange
} from './definitions/container-responses.js'
import type { ContainerStatsResponse } from './definitions/container-stats.js'
import type { ContainerSummary } from './definitions/container-summary.js'
import { containerUpdateRequest } from './definitions/container-update-request.js'
import type { ContainerPruneResponse } from './definitions/prune-responses.js'
import type { Done, Frame, Hijacked, TarStream } from './operation.js'
import { filters, flag, integer, oneOf, required, since, text, timestamp } from './parameter.js'
import { bytes } from './schema.js'

/** Containers, newest first; running ones only unless `all` or a filter says otherwise. `docker ps` */
export const ContainerList = defineOperation<readonly ContainerSummary[]>()({
  id: 'ContainerList',
  method: 'GET',
  path: '/containers/json',
  request: 'none',
  response: 'json',
  query: {
    all: flag,
    /** The newest so many, running or not. */
    limit: integer,
    /** Work out `SizeRw` and `SizeRootFs`, which takes time. */
    size: flag,
    filters
  }
})

/** Make a container, without starting it. `docker create` */
export const ContainerCreate = defineOperation<ContainerCreateResponse>()({
  id: 'ContainerCreate',
  method: 'POST',
  path: '/containers/create',
  request: 'json',
  response: 'json',
  query: {
    /** Made up when absent. */
    name: text,
    /** `os/arch/variant` to look for among what the image offers. */
    platform: since('1.41', text)
  },
  body: containerCreateRequest
})

/** Everything about one container. `docker inspect` */
export const ContainerInspect = defineOperation<ContainerInspectResponse>()({
  id: 'ContainerInspect',
  method: 'GET',
  path: '/containers/{id}/json',
  request: 'none',
  response: 'json',
  query: {
    /** Work out `SizeRw` and `SizeRootFs`, which takes time. */
    size: flag
  }
})

/** The processes in a container. `docker top` */
export const ContainerTop = defineOperation<ContainerTopResponse>()({
  id: 'ContainerTop',
  method: 'GET',
  path: '/containers/{id}/top',
  request: 'none',
  response: 'json',
  query: {
    /** Arguments for `ps`. @default -ef */
    ps_args: text
  }
})

/** What a container has written to its output. At least one of `stdout` and `stderr` has to be asked for. `docker logs` */
export const ContainerLogs = defineOperation<AsyncIterable<Frame>>()({
  id: 'ContainerLogs',
  method: 'GET',
  path: '/containers/{id}/logs',
  request: 'none',
  response: 'frames',
  query: {
    /** Go on with what comes, until the container ends. */
    follow: flag,
    stdout: flag,
    stderr: flag,
    since: timestamp,
    until: since('1.35', timestamp),
    /** Put an RFC 3339 time before every line. */
    timestamps: flag,
    /** Lines from the end, or `all`. */
    tail: text,
    /** Put the log driver's extra attributes before every line. */
    details: flag
  }
})

/** What differs from the image in a container's file system; dockerd says null for nothing. `docker diff` */
export const ContainerChanges = defineOperation<readonly FilesystemChange[] | null>()({
  id: 'ContainerChanges',
  method: 'GET',
  path: '/containers/{id}/changes',
  request: 'none',
  response: 'json'
})

/** A container's whole file system. `docker export` */
export const ContainerExport = defineOperation<TarStream>()({
  id: 'ContainerExport',
  method: 'GET',
  path: '/containers/{id}/export',
  request: 'none',
  response: 'tar'
})

/** What a container uses, a sample a second. `docker stats` */
export const ContainerStats = defineOperation<AsyncIterable<ContainerStatsResponse>>()({
  id: 'ContainerStats',
  method: 'GET',
  path: '/containers/{id}/stats',
  request: 'none',
  response: 'json-lines',
  query: {
    /** false: one sample, which takes two seconds because it holds the one before it too. @default true */
    stream: flag,
    /** With `stream` false: at once, without the one before it. */
    'one-shot': since('1.41', flag)
  }
})

/** Set the size of a container's terminal. */
export const ContainerResize = defineOperation<Done>()({
  id: 'ContainerResize',
  method: 'POST',
  path: '/containers/{id}/resize',
  request: 'none',
  response: 'none',
  query: {
    /** Rows. */
    h: required(integer),
    /** Columns. */
    w: required(integer)
  }
})

/** Start a container; not modified when it runs already. `docker start` */
export const ContainerStart = defineOperation<Done>()({
  id: 'ContainerStart',
  method: 'POST',
  path: '/containers/{id}/start',
  request: 'none',
  response: 'none',
  query: {
    /** Keys that detach a terminal, e.g. `ctrl-p,ctrl-q`. */
    detachKeys: text
  }
})

/** Ask a container to end, and kill it when it does not; not modified when it is stopped already. `docker stop` */
export const ContainerStop = defineOperation<Done>()({
  id: 'ContainerStop',
  method: 'POST',
  path: '/containers/{id}/stop',
  request: 'none',
  response: 'none',
  query: {
    /** What to ask with, e.g. `SIGINT`. @default the image's stop signal, or SIGTERM */
    signal: since('1.42', text),
    /** Seconds before it is killed; -1 waits for ever. @default the container's stop timeout, or 10 */
    t: integer
  }
})

/** Stop a container and start it again. `docker restart` */
export const ContainerRestart = defineOperation<Done>()({
  id: 'ContainerRestart',
  method: 'POST',
  path: '/containers/{id}/restart',
  request: 'none',
  response: 'none',
  query: {
    signal: since('1.42', text),
    /** Seconds before it is killed. */
    t: integer
  }
})

/** Send a signal to a container's first process. `docker kill` */
export const ContainerKill = defineOperation<Done>()({
  id: 'ContainerKill',
  method: 'POST',
  path: '/containers/{id}/kill',
  request: 'none',
  response: 'none',
  query: {
    /** Name or number. @default SIGKILL */
    signal: text
  }
})

/** Change a container's limits and restart policy while it runs. `docker update` */
export const ContainerUpdate = defineOperation<ContainerUpdateResponse>()({
  id: 'ContainerUpdate',
  method: 'POST',
  path: '/containers/{id}/update',
  request: 'json',
  response: 'json',
  body: containerUpdateRequest
})

/** Give a container another name. `docker rename` */
export const ContainerRename = defineOperation<Done>()({
  id: 'ContainerRename',
  method: 'POST',
  path: '/containers/{id}/rename',
  request: 'none',
  response: 'none',
  query: { name: required(text) }
})

/** Freeze all processes of a container. `docker pause` */
export const ContainerPause = defineOperation<Done>()({
  id: 'ContainerPause',
  method: 'POST',
  path: '/containers/{id}/pause',
  request: 'none',
  response: 'none'
})

/** Let a paused container go on. `docker unpause` */
export const ContainerUnpause = defineOperation<Done>()({
  id: 'ContainerUnpause',
  method: 'POST',
  path: '/containers/{id}/unpause',
  request: 'none',
  response: 'none'
})

const attachQuery = {
  /** Keys that detach a terminal, e.g. `ctrl-p,ctrl-q`. */
  detachKeys: text,
  /** What it has written before as well. */
  logs: flag,
  /** Stay connected; false ends after the logs. */
  stream: flag,
  stdin: flag,
  stdout: flag,
  stderr: flag
}

/** Connect to a container's standard streams. `docker attach` */
export const ContainerAttach = defineOperation<Hijacked>()({
  id: 'ContainerAttach',
  method: 'POST',
  path: '/containers/{id}/attach',
  request: 'none',
  response: 'hijack',
  query: attachQuery
})

/** Connect to a container's standard streams by WebSocket, for browsers. */
export const ContainerAttachWebsocket = defineOperation<Hijacked>()({
  id: 'ContainerAttachWebsocket',
  method: 'GET',
  path: '/containers/{id}/attach/ws',
  request: 'none',
  response: 'hijack',
  query: { ...attachQuery, stdin: since('1.42', flag), stdout: since('1.42', flag), stderr: since('1.42', flag) }
})

/** Wait for a container to end, and get its exit code. `docker wait` */
export const ContainerWait = defineOperation<ContainerWaitResponse>()({
  id: 'ContainerWait',
  method: 'POST',
  path: '/containers/{id}/wait',
  request: 'none',
  response: 'json',
  query: {
    /** What to wait for. `next-exit` also waits where it is not running yet. @default not-running */
    condition: since('1.30', oneOf('not-running', 'next-exit', 'removed'))
  }
})

/** Remove a container. `docker rm` */
export const ContainerDelete = defineOperation<Done>()({
  id: 'ContainerDelete',
  method: 'DELETE',
  path: '/containers/{id}',
  request: 'none',
  response: 'none',
  query: {
    /** Its anonymous volumes as well. */
    v: flag,
    /** Kill it first when it runs. */
    force: flag,
    /** Remove a link of the container instead. */
    link: flag
  }
})

/** The response header of {@link ContainerArchiveInfo} and {@link ContainerArchive}. */
export interface ArchiveHeaders {
  /** JSON in base64: name, size, mode (Go's bits), mtime and linkTarget of what the path names. */
  readonly 'x-docker-container-path-stat': string
  readonly [name: string]: string
}

/** What kind of file a path in a container is. */
export const ContainerArchiveInfo = defineOperation<ArchiveHeaders>()({
  id: 'ContainerArchiveInfo',
  method: 'HEAD',
  path: '/containers/{id}/archive',
  request: 'none',
  response: 'headers',
  query: { path: required(text) }
})

/** A file or folder out of a container. `docker cp` */
export const ContainerArchive = defineOperation<TarStream>()({
  id: 'ContainerArchive',
  method: 'GET',
  path: '/containers/{id}/archive',
  request: 'none',
  response: 'tar',
  query: { path: required(text) }
})

/** Unpack an archive in a folder of a container. `docker cp` */
export const PutContainerArchive = defineOperation<Done>()({
  id: 'PutContainerArchive',
  method: 'PUT',
  path: '/containers/{id}/archive',
  request: 'tar',
  response: 'none',
  query: {
    path: required(text),
    /** Fail rather than put a folder in place of a file, or the other way round. */
    noOverwriteDirNonDir: flag,
    /** Keep the archive's owners. */
    copyUIDGID: since('1.30', flag)
  },
  body: bytes
})

/** Remove containers that have stopped. `docker container prune` */
export const ContainerPrune = defineOperation<ContainerPruneResponse>()({
  id: 'ContainerPrune',
  method: 'POST',
  path: '/containers/prune',
  since: '1.25',
  request: 'none',
  response: 'json',
  query: { filters }
})
