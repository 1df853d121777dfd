import { Webhook } from 'standardwebhooks'
import { isoTime } from '../clock.ts'
import { mergedByIn, mergedByText } from '../contract/evidence/merged-by.ts'
import type { DueEntry } from '../db/notifications/outbox.ts'
import { orderAddress } from '../work-order/naming.ts'

/** What is sent, and with which headers. */
export type Message = { body: string; headers: Record<string, string> }

/** What happened, and where it is sent. */
export type Event = Pick<DueEntry, 'id' | 'kind' | 'data' | 'created_at' | 'endpoint'>

/** Characters of a text that others have written. */
const MOST_OF_TEXT = 300

/**
 * An event as its endpoint wants it: signed JSON as Standard Webhooks writes it, or a text for Slack and its likes.
 *
 * @param at when it is sent, which is signed too
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function messageOf(entry: Event, { pageUrl, at }: { pageUrl: string | null; at: Date }): Message {
  const { id, kind, data, created_at, endpoint } = entry
  const order = data['work_order_id']
  const address = typeof order === 'string' ? orderAddress(pageUrl, order) : null
  const json = { 'content-type': 'application/json' }
  if (endpoint.format === 'slack')
    return { body: JSON.stringify({ text: slackText(kind, data, address) }), headers: json }
  const body = JSON.stringify({ type: kind, timestamp: isoTime(created_at), data: { ...data, page_url: address } })
  return { body, headers: { ...json, ...signatureOf(id, endpoint.secret, { body, at }) } }
}

function signatureOf(id: string, secret: string | null, { body, at }: { body: string; at: Date }) {
  if (secret === null) return {}
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  }
}

const WORDS: ReadonlyMap<string, string> = new Map([
  ['approval.waiting', 'waits for an approval'],
  ['order.completed', 'was merged'],
  ['order.failed', 'failed'],
  ['order.blocked', 'is blocked'],
  ['order.cancelled', 'was cancelled'],
  ['pull_request.opened', 'has a pull request to review'],
  ['pull_request.reverted', 'was reverted on its base'],
  ['pull_request.merged_unverified', 'was merged at a commit that was not verified'],
  ['follow_up.started', 'is being followed up in its pull request'],
  ['follow_up.repaired', 'was repaired in its pull request'],
  ['follow_up.answered', 'has answered a review'],
  ['follow_up.failed', 'could not be repaired in its pull request'],
  ['escalation.opened', 'needs a decision'],
  ['escalation.closed', 'needs no decision any more'],
])

function slackText(kind: string, data: Readonly<Record<string, unknown>>, address: string | null): string {
  const order = data['work_order_id']
  if (typeof order !== 'string') return escaped(pauseText(kind, data))
  const word = wordOf(kind, data)
  const cause = isLeft(kind, data) ? textOf(data['outcome']) : causeText(kind, data)
  const what = `${word === undefined ? kind : word}${cause === null ? '' : ` (${cause})`}`
  const title = textOf(data['title'])
  const links = [textOf(data['pull_request_url']), address].flatMap((link) => (link === null ? [] : [link]))
  const command = COMMANDS.get(kind)
  const decides = command === undefined ? [] : [command.replace('ID', order.slice(0, 8))]
  const head = `Work order ${order.slice(0, 8)} ${what}${title === null ? '' : `: ${quiet(title)}`}`
  const branch = textOf(data['branch'])
  const where = branch === null || links.length > 0 ? [] : [`branch ${quiet(branch)}`]
  return [head, ...moreOf(kind, data), ...where, ...links, ...decides].map(escaped).join('\n')
}

/** What has begun, by what it reacts to. */
const STARTED: ReadonlyMap<string, string> = new Map([
  ['base', 'is having its base merged into its pull request'],
  ['checks', 'is being repaired in its pull request'],
  ['review', 'is being changed as a review asks'],
])

function wordOf(kind: string, data: Readonly<Record<string, unknown>>): string | undefined {
  const started = kind === 'follow_up.started' ? STARTED.get(String(data['follow_up'])) : undefined
  if (started !== undefined) return started
  if (kind === 'escalation.closed' && textOf(data['option']) !== null) return 'was decided about'
  // Where the base has moved a model may have had no part in it.
  if (kind === 'follow_up.repaired' && data['follow_up'] === 'base') return 'had its base merged into its pull request'
  if (isLeft(kind, data)) return 'has told a review why nothing was changed'
  const said = WORDS.get(kind)
  const by = quiet(mergedByText(mergedByIn(data)))
  return said === undefined || by === '' ? said : `${said} ${by}`
}

/** A review was answered with why nothing was changed. */
function isLeft(kind: string, { outcome }: Readonly<Record<string, unknown>>): boolean {
  return kind === 'follow_up.answered' && typeof outcome === 'string' && outcome !== 'succeeded'
}

/** Causes that are no code of the order itself: it is in review. */
const CAUSES: ReadonlyMap<string, string> = new Map([
  ['follow_up_exhausted', 'Moose does no more about its pull request'],
  ['hands_off', 'Moose keeps its hands off its pull request'],
  ['pull_request_lost', 'its pull request is not there any more, or was merged elsewhere'],
])

/** Why it stands as it does, of a decision that is over what was decided; null: the event says none. */
function causeText(kind: string, data: Readonly<Record<string, unknown>>): string | null {
  if (kind === 'escalation.closed') return textOf(data['option'])
  const code = textOf(data['code'])
  if (code !== null) return code
  const cause = textOf(data['cause'])
  const words = cause === null ? undefined : CAUSES.get(cause)
  return words === undefined ? cause : `${cause}: ${words}`
}

/** Why a pull request is followed up, or that failed, and by which commit a change was reverted. */
function moreOf(kind: string, data: Readonly<Record<string, unknown>>): string[] {
  const because =
    kind === 'follow_up.started' ? textOf(data['because']) : kind === 'follow_up.failed' ? textOf(data['reason']) : null
  const by = textOf(data['reverted_by'])
  return [...(because === null ? [] : [quiet(because)]), ...(by === null ? [] : [`by ${quiet(by.slice(0, 12))}`])]
}

const COMMANDS: ReadonlyMap<string, string> = new Map([
  ['approval.waiting', 'moose approve ID'],
  ['pull_request.opened', 'moose show ID --diff'],
  ['escalation.opened', 'moose decide ID'],
])

/** Of what is no order: a provider, a project or a proposer is paused. */
function pauseText(kind: string, data: Readonly<Record<string, unknown>>): string {
  const [what = ''] = kind.split('.', 1)
  const name = textOf(data[what])
  if (name === null) return `Moose: ${kind}`
  const code = textOf(data['code'])
  const reason = textOf(data['reason'])
  const head = `Moose: ${what} ${name} is paused${code === null ? '' : ` (${code})`}`
  return `${head}${reason === null ? '' : `: ${quiet(reason)}`}`
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

/** Slack reads `<…>` as a link or a call to everybody. @see https://docs.slack.dev/messaging/formatting-message-text */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').toWellFormed()
}

/** Foreign text as one bounded line, in which Mattermost and its likes call nobody by `@all` and show no link of `[…](…)`. */
function quiet(text: string): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim()
  const shown = line.length > MOST_OF_TEXT ? `${line.slice(0, MOST_OF_TEXT - 1)}…` : line
  return shown.replaceAll('@', '@\u200b').replaceAll('](', ']\u200b(')
}
