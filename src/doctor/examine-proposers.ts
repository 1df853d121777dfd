import type { Kysely } from 'kysely'
import { isoTime } from '../clock.ts'
import type { DoctorFinding } from '../contract/doctor.ts'
import { isLoopback, shownBaseUrl } from '../contract/proposer-rules.ts'
import { asWord, listProposers, type ProposerConfig } from '../db/proposer-configs.ts'
import { listPauses, type ProviderPause } from '../db/provider-pauses.ts'
import type { Database } from '../db/schema.ts'
import { endpointOf } from '../models/availability.ts'
import type { Models } from '../models/models.ts'
import { providerKey } from '../models/provider-pause.ts'
import { type NetworkEnvironment, type Route, readAuthorities, routeTo } from '../remote/network-route.ts'

/**
 * Looks at every active proposer, each with the command that mends it. One that cannot be called is optional
 * while another can.
 *
 * @param environment through which proxies, and with which certificates, providers are reached
 */
export async function examineProposers(
  db: Kysely<Database>,
  models: Pick<Models, 'whyUnavailable'>,
  environment: NetworkEnvironment,
): Promise<DoctorFinding[]> {
  const { proposers, malformed } = await listProposers(db)
  const pauses = await listPauses(db)
  const active = proposers.filter((proposer) => proposer.active)
  const findings = active.flatMap((proposer) => [
    callable(proposer, models, environment),
    ...paused(proposer, pauses),
    ...inClear(proposer),
  ])
  for (const detail of readAuthorities(environment).problems)
    findings.push({ name: 'certificates', state: 'broken', detail, remedy: 'correct or unset the variable' })
  for (const { details } of malformed) {
    const detail = `its row is malformed: ${String(details['problems'])}`
    findings.push({ name: nameOf(details['proposer']), state: 'broken', detail, remedy: String(details['command']) })
  }
  if (active.some((proposer) => models.whyUnavailable(proposer) === null)) return findings
  const resting = proposers.find((proposer) => !proposer.active && models.whyUnavailable(proposer) === null)
  const remedy = resting === undefined ? NONE : `moose proposer resume ${asWord(resting.name)}`
  return [...findings, { name: 'proposers', state: 'missing', detail: 'no active proposer can be called', remedy }]
}

const NONE =
  'export ANTHROPIC_API_KEY=… (or OPENAI_API_KEY, GEMINI_API_KEY), or moose proposer add NAME --preset ollama --model ID'

const nameOf = (name: unknown) => `proposer ${String(name)}`

function callable(
  proposer: ProposerConfig,
  models: Pick<Models, 'whyUnavailable'>,
  environment: NetworkEnvironment,
): DoctorFinding {
  const { provider, model, baseUrl } = proposer
  const name = nameOf(proposer.name)
  const fault = models.whyUnavailable(proposer)
  if (fault === null) {
    const where = baseUrl === null ? '' : ` at ${shownBaseUrl(baseUrl)}`
    const endpoint = endpointOf(proposer)
    const route = endpoint === null ? null : routeTo(new URL(endpoint), environment)
    const detail = `${provider} ${model}${where}${throughOf(route)}`
    if (route === null || route.problem === null) return { name, state: 'ok', detail, remedy: null }
    return { name, state: 'broken', detail: route.problem, remedy: `correct or unset ${route.variable}` }
  }
  return { name, state: 'optional', detail: String(fault.details['reason']), remedy: String(fault.details['command']) }
}

/** How a provider is reached, where a variable says so. */
function throughOf(route: Route | null): string {
  if (route === null || route.variable === null) return ''
  return route.proxy === null ? `, directly (${route.variable})` : `, through ${route.proxy} (${route.variable})`
}

function paused(proposer: ProposerConfig, pauses: readonly ProviderPause[]): DoctorFinding[] {
  const pause = pauses.find(({ provider }) => provider === providerKey(proposer))
  if (pause === undefined) return []
  const detail = `its provider is paused until ${isoTime(pause.until)}: ${pause.reason}`
  const remedy = `moose proposer test ${asWord(proposer.name)}, or moose proposer resume ${asWord(proposer.name)} --now`
  return [{ name: nameOf(proposer.name), state: 'warning', detail, remedy }]
}

/** New ones are refused; a row from before is used as it is. */
function inClear({ name, baseUrl }: ProposerConfig): DoctorFinding[] {
  if (baseUrl === null) return []
  const url = new URL(baseUrl)
  const command = `moose proposer edit ${asWord(name)} --base-url https://…`
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    const detail = `${shownBaseUrl(baseUrl)} is spoken to in clear text, the key included`
    return [{ name: nameOf(name), state: 'warning', detail, remedy: command }]
  }
  if (url.username === '' && url.password === '') return []
  const detail = 'its base_url holds a user or password, which stands in the database in clear text'
  return [{ name: nameOf(name), state: 'warning', detail, remedy: `${command} --key-variable X_API_KEY` }]
}
