import { context, DiagLogLevel, diag, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { withinTime } from '../async/deadline.ts'
import type { TracingTarget } from '../config.ts'
import type { Log } from '../log.ts'

const SEND_EVERY_MS = 2_000
/** For one batch, the exporter's own repetitions included; a request under way would hold the process up. */
const SEND_WITHIN_MS = 2_000
const SAY_EVERY_MS = 60_000
/** How long a shutdown waits for the last spans. */
const FLUSH_WITHIN_MS = 2_000

/**
 * Sends this process' spans to an OTLP endpoint, in the background. What cannot be sent is dropped and said in the log;
 * nothing else notices. Disposing sends what is left, for two seconds at most. There is one per process.
 *
 * @param service as it is shown beside the spans; `instance` tells processes of one name apart
 * @see https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export function startTracing(
  { url, headers, serviceName }: TracingTarget,
  service: { version: string; instance: string },
  log: Log,
): AsyncDisposable {
  const say = sparingly((message) =>
    log.warn({ url, reason: reasonOf(message) }, 'traces cannot be sent; they are dropped'),
  )
  diag.setLogger({ error: say, warn: say, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN)
  const exporter = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: SEND_WITHIN_MS })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': serviceName,
      'service.version': service.version,
      'service.instance.id': service.instance,
    }),
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: SEND_EVERY_MS })],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(provider)
  return {
    async [Symbol.asyncDispose]() {
      trace.disable()
      context.disable()
      await withinTime(provider.shutdown(), FLUSH_WITHIN_MS).catch((error: unknown) => say(String(error)))
      diag.disable()
    },
  }
}

/** One that fails fails at every batch: it is said once a minute. */
function sparingly(say: (message: string) => void): (message: string) => void {
  let quietUntil = 0
  return (message) => {
    if (performance.now() < quietUntil) return
    quietUntil = performance.now() + SAY_EVERY_MS
    say(message)
  }
}

/** The exporter tells of an error as JSON with its whole stack. */
function reasonOf(message: string): string {
  const [, reason] = /"message":"((?:[^"\\]|\\.)*)"/.exec(message) ?? []
  return reason === undefined ? message : reason
}
