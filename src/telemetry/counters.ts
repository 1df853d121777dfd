import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Less often than the library's 10 ms: an idle service should not wake a hundred times a second to measure itself. */
const LAG_EVERY_MS = 100

/** What this process has done since it began; every service in it adds to the same. */
export const PROCESS_METRICS = new Registry()
const registers = [PROCESS_METRICS]

export const attemptsRunning = new Gauge({
  name: 'moose_attempts_running',
  help: 'Attempts this process is working on.',
  registers,
})
export const attemptsEnded = new Counter({
  name: 'moose_attempts_ended_total',
  help: 'Runs of attempts that ended in this process: succeeded, the code of a fault, or interrupted.',
  labelNames: ['outcome'] as const,
  registers,
})
export const stepSeconds = new Histogram({
  name: 'moose_step_duration_seconds',
  help: 'How long the tries of a step took, with their waits.',
  labelNames: ['step', 'outcome'] as const,
  buckets: [0.01, 0.05, 0.25, 1, 5, 15, 60, 300, 1_800],
  registers,
})
export const modelCalls = new Counter({
  name: 'moose_model_calls_total',
  help: 'Tries of calls to models that were sent: answered, or the code of a fault.',
  labelNames: ['provider', 'outcome'] as const,
  registers,
})
export const modelTokens = new Counter({
  name: 'moose_model_tokens_total',
  help: 'Tokens of booked calls; input has the cached part in it, output the reasoning.',
  labelNames: ['provider', 'direction'] as const,
  registers,
})
export const modelUsd = new Counter({
  name: 'moose_model_cost_usd_total',
  help: 'USD of booked calls; a call of unknown cost counts as nothing.',
  labelNames: ['provider'] as const,
  registers,
})
export const claimSeconds = new Histogram({
  name: 'moose_claim_latency_seconds',
  help: 'From the last change of a pending order, as a rule its approval, to its claim by this process.',
  buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 600],
  registers,
})

let isMeasured = false

/** Has the process itself measured too: memory, processor, files, event loop, garbage collection. */
export function measureProcess(): void {
  if (isMeasured) return
  isMeasured = true
  collectDefaultMetrics({ register: PROCESS_METRICS, eventLoopMonitoringPrecision: LAG_EVERY_MS })
}
