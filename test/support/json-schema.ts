import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { contract } from './openapi-contract.ts'

export type Schema = Record<string, unknown>

const textLength = (text: string) => Array.from(text).length

/** Whether a value fits what one keyword wants; only keywords that the contract uses. */
const KEYWORDS: Record<string, (value: unknown, wanted: unknown, schema: Schema) => boolean> = {
  $ref: (value, ref) => fits(value, componentOf(ref)),
  type: (value, type) => [type].flat().some((one) => isOfType(value, one)),
  enum: (value, options) => listOf(options).some((option) => isDeepStrictEqual(option, value)),
  const: (value, only) => isDeepStrictEqual(value, only),
  allOf: (value, all) => listOf(all).every((one) => fits(value, one)),
  anyOf: (value, some) => howMany(value, some) > 0,
  oneOf: (value, some) => howMany(value, some) === 1,
  not: (value, other) => !fits(value, other),
  minLength: (value, least) => typeof value !== 'string' || textLength(value) >= Number(least),
  maxLength: (value, most) => typeof value !== 'string' || textLength(value) <= Number(most),
  pattern: (value, source) => typeof value !== 'string' || new RegExp(String(source), 'u').test(value),
  // Beside that of a time stands a pattern, which says more.
  format: (value, name) => name !== 'uuid' || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(String(value)),
  minimum: (value, least) => typeof value !== 'number' || value >= Number(least),
  maximum: (value, most) => typeof value !== 'number' || value <= Number(most),
  exclusiveMinimum: (value, least) => typeof value !== 'number' || value > Number(least),
  exclusiveMaximum: (value, most) => typeof value !== 'number' || value < Number(most),
  items: (value, each) => listOf(value).every((one) => fits(one, each)),
  minItems: (value, least) => !Array.isArray(value) || value.length >= Number(least),
  maxItems: (value, most) => listOf(value).length <= Number(most),
  uniqueItems: (value) => new Set(listOf(value).map((one) => JSON.stringify(one))).size === listOf(value).length,
  properties: (value, each) =>
    entriesOf(each).every(([key, one]) => !has(value, key) || fits(asObject(value)[key], one)),
  required: (value, keys) => !isObject(value) || listOf(keys).every((key) => has(value, String(key))),
  additionalProperties: (value, each, { properties }) =>
    entriesOf(value).every(([key, one]) => has(properties, key) || (each !== false && fits(one, each))),
  propertyNames: (value, form) => entriesOf(value).every(([key]) => fits(key, form)),
  minProperties: (value, least) => !isObject(value) || Object.keys(value).length >= Number(least),
  maxProperties: (value, most) => entriesOf(value).length <= Number(most),
}
const SAYS_NOTHING = new Set(['default', 'example', 'examples', 'description'])

/** Whether a value fits a schema of the contract. @see https://json-schema.org/draft/2020-12 */
export function fits(value: unknown, schema: unknown): boolean {
  const all = asObject(schema)
  return Object.entries(all).every(([keyword, wanted]) => {
    const check = KEYWORDS[keyword]
    if (check === undefined && !SAYS_NOTHING.has(keyword)) throw new Error(`this validator knows no ${keyword}`)
    return check === undefined || check(value, wanted, all)
  })
}

function howMany(value: unknown, among: unknown): number {
  return listOf(among).filter((one) => fits(value, one)).length
}

function isOfType(value: unknown, type: unknown): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isObject(value)
  // Half of a character is no text of JSON schema, and few programs could send one.
  if (type === 'string') return typeof value === 'string' && value.isWellFormed()
  return type === 'integer' ? Number.isInteger(value) : typeof value === type
}

function componentOf(ref: unknown): Schema {
  const name = String(ref).slice('#/components/schemas/'.length)
  return asObject(contract.components.schemas[name])
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function asObject(value: unknown): Schema {
  return isObject(value) ? value : {}
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function entriesOf(value: unknown): [string, unknown][] {
  return Object.entries(asObject(value))
}

function has(value: unknown, key: string): boolean {
  return isObject(value) && Object.hasOwn(value, key)
}

/** Texts that some rule of a body is about. */
const ODD_TEXTS: readonly string[] = JSON.parse(
  String.raw`["", " ", "\n", "\u0000", "a\u0000b", "\ud800", "a\udc00", "\ud83e\udd8c", " a", "a ", "\ta", "a\nb", "a\u2028b",
  "a\u0007", "\u00a0a", "\ufeff", "\u007f", "-a", "/a", "/a\u0085", "C:/a", "..", "a/../b", "./a", "a//b", "a/", ".git",
  "a/.GIT/b", ".git.", ".g\u200cit", "git~1", ".git::$INDEX", "a\\b", ".gitignore", "src/a.ts", "m\u00fcller/a b.txt", "0", "1",
  "2.50", "-1", "1e3", ".5", "5.", "NaN", "Infinity", "999999999.999999999999", "1000000000", "0.0000000000001", "$2",
  "\u0663", "2026-12-01T00:00:00Z", "2026-12-01T00:00:00.5Z", "2026-12-01T02:00:00+02:00", "2026-02-30T00:00:00Z",
  "0000-01-01T00:00:00Z", "3f2a9c1e", "main", "order", "A_API_KEY", "https://a.example/v1", "http://a.example", "ftp://a",
  "https://u:p@a.example", "https://a.example?api_key=x", "http://127.0.0.1:1/v1", "https://a#b", "x-title", "Authorization",
  "top_p", "model", "wo/{id}", "{id}/{slug}", "{slug}", "a..{id}", "{id}.lock", "{x}{id}", "github.com", "Ada <a@b.example>",
  "<a@b>", "Ada <a@b>\n"]`,
)
const NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.5,
  2.5,
  1e-7,
  1e-13,
  5e-324,
  1e9,
  999_999_999.999,
  1e20,
  1e300,
  100,
  99.5,
  2 ** 31,
  2 ** 53,
]

/** Values of which most parts fit their schema; whether the whole does, `fits` says. */
export function roughly(schema: unknown): fc.Arbitrary<unknown> {
  const {
    $ref,
    enum: options,
    type,
    properties,
    allOf,
    anyOf,
    items,
    required,
    propertyNames,
    ...rest
  } = asObject(schema)
  if ($ref !== undefined) return roughly(componentOf($ref))
  if (Array.isArray(options)) return among(options)
  if (Array.isArray(type)) return among(type).chain((one) => roughly({ ...asObject(schema), type: one }))
  if (isObject(properties)) {
    const parts = Object.fromEntries(entriesOf(properties).map(([name, one]) => [name, roughly(one)]))
    return fc.record<Schema, string>(parts, { requiredKeys: listOf(required).map(String) })
  }
  // The first is what the others describe.
  if (type === undefined && Array.isArray(allOf)) return roughly(allOf[0])
  if (type === undefined && Array.isArray(anyOf)) return among(anyOf).chain(roughly)
  if (type === 'array') return fc.array(roughly(items), { maxLength: 3 })
  if (type === 'boolean') return fc.boolean()
  if (type === 'null') return fc.constant(null)
  if (type === 'object') {
    const name = roughly({ type: 'string', ...asObject(propertyNames) }).map(String)
    return fc.dictionary(name, roughly(rest['additionalProperties']), { maxKeys: 2 })
  }
  if (type === undefined) return fc.jsonValue()
  const isText = type === 'string'
  const most = typeof rest['maxLength'] === 'number' ? rest['maxLength'] : 10
  const longest = ['x', 'ü', '\u{1f98c}'].flatMap((one) => [one.repeat(most), one.repeat(most + 1)])
  const known = isText ? [...ODD_TEXTS, ...longest] : NUMBERS
  const any = fc.oneof(among(known), isText ? fc.string({ unit: 'binary', maxLength: 8 }) : fc.double({ noNaN: true }))
  const fitting = known.filter((value) => fits(value, schema))
  return fitting.length === 0 ? any : fc.oneof({ weight: 9, arbitrary: among(fitting) }, { weight: 1, arbitrary: any })
}

function among(values: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc.nat(values.length - 1).map((index) => values[index])
}
