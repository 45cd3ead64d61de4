import type { ZodType } from 'zod'
import type { Parameter, Parameters } from './parameter.js'
import { boolean, integer, list, map, object, oneOf, type Required, required, type Schema, string, zod } from './schema.js'

/** The names in braces of a path template, in order. */
export function pathNames(path: string): readonly string[] {
  return [...path.matchAll(/\{([^}]+)\}/g)].map(match => match[1] as string)
}

/** The schema of an operation's path parameters: text, never empty. */
export function pathSchema(path: string): Schema<object> {
  const filled = zod().string().min(1)
  return shaped(Object.fromEntries(pathNames(path).map(name => [name, required(filled)])))
}

/** The schema of a set of query or header parameters, decoded. */
export function parametersSchema(parameters: Parameters): Schema<object> {
  const fields = Object.entries(parameters).map(([name, parameter]) => {
    const schema = parameterSchema(parameter)
    return [name, parameter.required ? required(schema) : schema] as const
  })
  return shaped(Object.fromEntries(fields))
}

function shaped(fields: Readonly<Record<string, ZodType | Required<unknown>>>): Schema<object> {
  // The reason for the cast: the names are known at run time only.
  return object<object>(fields as never)
}

function parameterSchema(parameter: Parameter): Schema<unknown> {
  switch (parameter.codec) {
    case 'boolean':
      return boolean()
    case 'integer':
      return integer()
    case 'string':
      return parameter.values === undefined ? string() : oneOf(...(parameter.values as [string, ...string[]]))
    case 'strings':
      return list(string())
    case 'filters':
      return map(list(string()))
    case 'json':
      return zod().unknown()
    case 'jsons':
      return zod().array(zod().unknown())
  }
}
