import { hostname } from 'node:os'
import { EngineError } from '../../src/errors/index.js'
import type { ContainerRecord } from './container-record.js'

/** What the name of a daemon is in tags: what Docker's own says. */
const daemonName = 'docker'

/** A template's text and its actions; `-` beside a brace takes the white space there away. */
const pieces = /\{\{(- )?\s*(.*?)\s*( -)?\}\}/gs

type Values = Readonly<Record<string, unknown>>

/** Functions of one text, as Docker's templates have them. */
const textFunctions: Readonly<Record<string, (text: string) => string>> = {
  lower: text => text.toLowerCase(),
  upper: text => text.toUpperCase(),
  title: text => text.replace(/(?<![\p{L}\p{N}_])\p{L}/gu, letter => letter.toUpperCase())
}

/**
 * A `tag` option filled in. Of Go's templates: fields (`{{.Name}}`, `{{.ContainerLabels.tier}}`), `lower`, `upper`, `title` and `json` of them,
 * and pipes between these.
 *
 * @throws Error in Go's words: a field or a function that there is not
 * @throws EngineError `not_implemented`: the rest of Go's templates
 */
export function expandLogTag(template: string, record: ContainerRecord): string {
  const values = tagValues(record)
  let text = ''
  let end = 0
  let trims = false
  for (const match of template.matchAll(pieces)) {
    const [whole, trimsBefore, action = '', trimsAfter] = match
    const before = template.slice(end, match.index)
    text += trimmed(before, trims, trimsBefore !== undefined)
    text += action.startsWith('/*') && action.endsWith('*/') ? '' : textOf(evaluate(action, values, template))
    end = match.index + whole.length
    trims = trimsAfter !== undefined
  }
  const rest = template.slice(end)
  if (rest.includes('{{')) throw new Error('template: log-tag:1: unclosed action')
  return text + trimmed(rest, trims, false)
}

/** What Docker's `logger.Info` offers to a template. */
function tagValues({ id, name, config, path, args, imageId, createdAt, hostConfig }: ContainerRecord): Values {
  return {
    ID: id.slice(0, 12),
    FullID: id,
    Name: name,
    ImageID: imageId.slice(0, 12),
    ImageFullID: imageId,
    ImageName: config.Image ?? '',
    Command: [path, ...args].join(' '),
    Hostname: hostname(),
    DaemonName: daemonName,
    Config: hostConfig.LogConfig?.Config ?? {},
    ContainerID: id,
    ContainerName: `/${name}`,
    ContainerEntrypoint: path,
    ContainerArgs: args,
    ContainerImageID: imageId,
    ContainerImageName: config.Image ?? '',
    ContainerCreated: createdAt,
    ContainerEnv: config.Env ?? [],
    ContainerLabels: config.Labels ?? {}
  }
}

function evaluate(action: string, values: Values, template: string): unknown {
  let input: unknown
  for (const [place, step] of action.split('|').entries()) {
    const words = step.trim().split(/\s+/)
    const [first = '', ...others] = words
    if (first.startsWith('.') && others.length === 0 && place === 0) {
      input = field(first, values)
      continue
    }
    const isKnown = first === 'json' || Object.hasOwn(textFunctions, first)
    if (!isKnown && /^[a-zA-Z_]\w*$/.test(first) && !laterWords.has(first)) {
      throw new Error(`template: log-tag:1: function "${first}" not defined`)
    }
    const argument = others[0]
    const takesPipe = place > 0 && argument === undefined
    const takesField = place === 0 && others.length === 1 && argument?.startsWith('.')
    if (!isKnown || !(takesPipe || takesField)) throw notBuilt(template, action)
    const value = takesPipe ? input : field(argument as string, values) // asked for above
    input = first === 'json' ? JSON.stringify(value) : textFunctions[first]?.(textOf(value))
  }
  return input
}

/** Words of Go's templates and Docker's that are none of the functions here. */
const laterWords: ReadonlySet<string> = new Set(
  'if else end range with define template block and or not eq ne lt le gt ge call html index slice js len print printf println urlquery split join pad truncate nil true false'.split(
    ' '
  )
)

function field(path: string, values: Values): unknown {
  const names = path.split('.').slice(1)
  let value: unknown = values
  for (const [depth, name] of names.entries()) {
    if (depth === 0 && !Object.hasOwn(values, name)) {
      throw new Error(`template: log-tag:1:2: executing "log-tag" at <${path}>: can't evaluate field ${name} in type *logger.Info`)
    }
    // A map's entry that is not there.
    value = (value as Values)[name] ?? '<no value>'
  }
  return value
}

/** As Go prints it. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(' ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[${entries.map(([key, inner]) => `${key}:${String(inner)}`).join(' ')}]`
}

function trimmed(text: string, start: boolean, end: boolean): string {
  const from = start ? text.trimStart() : text
  return end ? from.trimEnd() : from
}

function notBuilt(template: string, action: string): EngineError {
  return new EngineError(
    'not_implemented',
    `HostConfig.LogConfig.Config.tag: {{${action}}} is more of Go's templates than is built yet in the in-process runtime`,
    { details: { field: 'HostConfig.LogConfig.Config.tag', value: template } }
  )
}
