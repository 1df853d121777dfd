import type { TracingTarget } from '../config.ts'
import type { Log } from '../log.ts'

/** Sends traces where there is somewhere to send them to; without, not even the code for it is loaded. */
export async function traced(
  target: TracingTarget | null,
  service: { version: string; instance: string },
  log: Log,
): Promise<AsyncDisposable | null> {
  if (target === null) return null
  const { startTracing } = await import('./tracing.ts')
  return startTracing(target, service, log)
}
