import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { listenOnLoopback } from './loopback.ts'

const Value = z.looseObject({
  stringValue: z.string().optional(),
  intValue: z.union([z.number(), z.string()]).optional(),
  doubleValue: z.number().optional(),
  boolValue: z.boolean().optional(),
})
const Attributes = z
  .array(z.object({ key: z.string(), value: Value }))
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]])))
const OtlpSpan = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  attributes: Attributes,
  status: z.object({ code: z.number().optional() }),
  startTimeUnixNano: z.string(),
  endTimeUnixNano: z.string(),
})
/** What OTLP/HTTP carries as JSON: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
const Export = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(OtlpSpan) })),
    }),
  ),
})

export type OtlpSpan = z.infer<typeof OtlpSpan>

export type OtlpCollector = AsyncDisposable & {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  url: string
  /** Everything it was sent, as it came. */
  received: string[]
  headers: string[]
  spans(): OtlpSpan[]
  resources(): Record<string, unknown>[]
}

/** A collector of traces on loopback. @param answer `silent` takes requests in and never answers */
export async function startOtlpCollector(answer: number | 'silent' = 200): Promise<OtlpCollector> {
  const received: string[] = []
  const headers: string[] = []
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    headers.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`)
    received.push(await text(request))
    if (answer !== 'silent') response.writeHead(answer, { 'content-type': 'application/json' }).end('{}')
  }
  const server = createServer((request, response) => void take(request, response))
  const listening = await listenOnLoopback(server)
  const exported = () => received.flatMap((body) => Export.parse(JSON.parse(body)).resourceSpans)
  return {
    url: listening.origin,
    received,
    headers,
    spans: () => exported().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    resources: () => exported().map(({ resource }) => resource.attributes),
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  }
}
