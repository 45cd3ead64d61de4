// Writes what test/unit/api/coverage.test.ts compares the contract with: the operations of published Engine API descriptions, their
// parameters, and every property of their bodies.
//
//   node scripts/engine-api-outline.mjs [--print] engine-api-v1.51.yaml ...
//
// writes test/golden/engine-api/v1.51.json for each, or prints it. Format, version 1:
//
//   { "apiVersion": "1.51", "operations": { "<operationId>": {
//       "method": "POST", "path": "/containers/create",
//       "parameters": ["query name: string", "path id!: string"],          // ! means required
//       "body": "tar" | ["HostConfig.Memory: integer", "Env[]: string", "Labels{}: string"]
//   } } }
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { parse } from 'yaml'

const methods = ['get', 'head', 'post', 'put', 'delete']
const folder = new URL('../test/golden/engine-api/', import.meta.url)

function outlineOf(description) {
  const resolve = value => {
    let resolved = value
    while (resolved?.$ref !== undefined) {
      resolved = resolved.$ref
        .slice(2)
        .split('/')
        .reduce((inner, key) => inner[key], description)
    }
    return resolved
  }

  const typeOf = schema => {
    if (schema.properties || schema.additionalProperties) return 'object'
    return schema.allOf === undefined ? (schema.type ?? 'any') : typeOf(resolve(schema.allOf[0]))
  }

  /** Every property below a schema: `[]` for a list's items, `{}` for a map's values. */
  const propertiesOf = (reference, path) => {
    const schema = resolve(reference)
    if (schema === undefined) return []
    const lines = path === '' ? [] : [`${path}: ${typeOf(schema)}`]
    for (const part of schema.allOf ?? []) lines.push(...propertiesOf(part, path))
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      lines.push(...propertiesOf(property, path === '' ? name : `${path}.${name}`))
    }
    if (schema.type === 'array') lines.push(...propertiesOf(schema.items, `${path}[]`))
    if (typeof schema.additionalProperties === 'object') lines.push(...propertiesOf(schema.additionalProperties, `${path}{}`))
    return lines
  }

  const bodyOf = parameter => {
    const schema = resolve(parameter.schema)
    return schema.type === 'string' ? 'tar' : [...new Set(propertiesOf(schema, ''))].sort()
  }

  const operations = {}
  for (const [path, item] of Object.entries(description.paths)) {
    for (const method of methods.filter(name => item[name] !== undefined)) {
      const { operationId, parameters = [] } = item[method]
      const all = [...(item.parameters ?? []), ...parameters].map(resolve)
      const body = all.find(parameter => parameter.in === 'body')
      operations[operationId] = {
        method: method.toUpperCase(),
        path,
        parameters: all
          .filter(parameter => parameter.in !== 'body')
          .map(({ in: place, name, required, type }) => `${place} ${name}${required ? '!' : ''}: ${type}`)
          .sort(),
        ...(body !== undefined && { body: bodyOf(body) })
      }
    }
  }
  const sorted = Object.fromEntries(Object.entries(operations).sort(([a], [b]) => (a < b ? -1 : 1)))
  return { apiVersion: description.info.version, operations: sorted }
}

const files = process.argv.slice(2).filter(argument => argument !== '--print')
if (files.length === 0) {
  console.error('usage: node scripts/engine-api-outline.mjs [--print] <description.yaml>...')
  process.exitCode = 1
}
await mkdir(folder, { recursive: true })
for (const file of files) {
  const outline = outlineOf(parse(await readFile(file, 'utf8')))
  const text = `${JSON.stringify(outline, undefined, 1)}\n`
  if (process.argv.includes('--print')) process.stdout.write(text)
  else await writeFile(new URL(`v${outline.apiVersion}.json`, folder), text)
}
