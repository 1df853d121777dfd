import assert from 'node:assert/strict'
import { z } from 'zod'
import { openApiDocument } from '../../src/http/http-app.ts'

type Json = Record<string, unknown>
type Operation = {
  operationId: string
  security?: Record<string, string[]>[]
  requestBody?: { content: Record<string, { schema: Json }> }
  responses: Record<string, { content?: Record<string, { schema: Json }> }>
}

/** The contract as plain JSON, as a client reads it. */
export const contract: { paths: Record<string, Record<string, Operation>>; components: { schemas: Json } } = JSON.parse(
  JSON.stringify(openApiDocument()),
)

/** Every operation of the contract. */
export function operations(): { method: string; path: string; operation: Operation }[] {
  return Object.entries(contract.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
}

/** Checks an answer against the contract: its status is declared for the route, and its text or JSON fits the schema. */
export async function assertConforms(method: string, path: string, response: Response): Promise<unknown> {
  const declared = contract.paths[path]?.[method.toLowerCase()]?.responses[String(response.status)]
  assert.ok(declared, `${method} ${path} does not declare ${response.status}`)
  const type = String(response.headers.get('content-type')?.split(';')[0])
  const schema = declared.content?.[type]?.schema
  assert.ok(schema, `${method} ${path} ${response.status} declares no ${type}`)
  const body: unknown = type === 'application/json' ? await response.json() : await response.text()
  // Of a stream the schema says what the data of each event is.
  for (const part of type === 'text/event-stream' ? eventsIn(String(body)) : [body]) {
    const checked = schemaOf(schema).safeParse(part)
    assert.ok(checked.success, `${method} ${path} ${response.status}: ${checked.error?.message}`)
  }
  return body
}

function eventsIn(stream: string): unknown[] {
  const lines = stream.split('\n').filter((line) => line.startsWith('data: '))
  assert.ok(lines.length > 0, 'a stream without events')
  return lines.map((line): unknown => JSON.parse(line.slice('data: '.length)))
}

function schemaOf(schema: Json): z.ZodType {
  const text = JSON.stringify({ ...schema, $defs: contract.components.schemas })
  return z.fromJSONSchema(JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')))
}
