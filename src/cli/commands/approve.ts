import { type Command, Option } from 'commander'
import { ApproveWorkOrder } from '../../contract/why/approve.ts'
import { ApproveChosenResponse } from '../../contract/why/approve-chosen.ts'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import { describeProblems, fieldProblems } from '../../faults/schema-problems.ts'
import { RISK_LEVELS } from '../../work-order/content.ts'
import { heldFrom } from '../../work-order/protection/held-change.ts'
import type { Cli } from '../cli.ts'
import { asFault } from '../client/api-client.ts'
import { type ServiceState, takenOn } from '../client/service-state.ts'
import { termsNotes, totalText } from '../pages/approval-terms.ts'
import { shortId } from '../pages/humanize.ts'
import { hiddenNotes, protectionNotes, verificationNotes } from '../pages/verification-notes.ts'
import { type OrderAction, orderCommand } from './act-on-orders.ts'
import { actOnChosen, type Choice, type ChoiceOptions, type Together, withChoice } from './choose-orders.ts'

const UNAPPROVED: Choice = {
  states: () => ['unapproved'],
  which: 'pending orders that are not approved',
}

type ApproveOptions = ChoiceOptions & { allow?: string[]; allowSecret?: string[]; allowAllProtected?: true }

export function approveCommand(cli: Cli): Command {
  const description =
    'Approves work orders as they stand now; editing one afterwards withdraws it. Only approved ones are run. A change of ' +
    'what is protected, or that holds what looks like a key, is published only when it is allowed too: before it is made, or ' +
    'of the commit that waits for it.'
  const example = 'moose approve 1a2b3c4d --allow package-lock.json\n  $ moose approve --project website --risk low'
  return withChoice(orderCommand('approve', description, example, '[id...]'), UNAPPROVED)
    .addOption(
      new Option(
        '-r, --risk <level>',
        `${UNAPPROVED.which}, only of this risk by the Director's rules or a lower one`,
      ).choices(RISK_LEVELS),
    )
    .option('--title <words>', `${UNAPPROVED.which}, only those whose title has all these words`)
    .option('--allow <path...>', 'protected files, or folders with a / at the end, whose change may be published')
    .option('--allow-all-protected', 'whatever protected files it changes')
    .option('--allow-secret <fingerprint...>', 'what looks like a key, by the fingerprint the reason tells')
    .action((ids: string[], options: ApproveOptions) => {
      const wish = allowed(options)
      const action: OrderAction = {
        verb: 'approve',
        // Only what was looked up is approved, whoever edits it meanwhile.
        body: (order) => ({ ...wish, content_sha256: order.content_sha256, ...heldOf(order, wish) }),
        done: () => 'approved',
        notes: (order) => [
          ...termsNotes(order),
          ...hiddenNotes(order),
          ...verificationNotes(order),
          ...protectionNotes(order, wish),
        ],
        total: (orders) => `All of them together: ${totalText(orders)}`,
        hint: afterApproval,
      }
      const together = approvedTogether(wish)
      return actOnChosen(cli, ids, { options, choice: UNAPPROVED, action, past: 'approved', together })
    })
}

/** One call says what is chosen and what approving it allows; the same one approves what was shown, and nothing else. */
function approvedTogether({ allow, allow_secrets, allow_all_protected }: ApproveWorkOrder): Together {
  const call = { method: 'POST', path: '/api/work-orders/approve', answer: ApproveChosenResponse } as const
  const now = Date.now()
  const filter = ({ project, risk, title, olderThan }: ChoiceOptions) => ({
    project,
    risk,
    title,
    ...(olderThan === undefined ? {} : { filed_before: new Date(now - olderThan).toISOString() }),
  })
  return {
    async choose(api, options) {
      const { chosen, above, is_cut: isCut } = await api.call({ ...call, body: filter(options) })
      return { orders: chosen, isCut, note: aboveNote(above, options) }
    },
    async act(api, options, orders) {
      const confirm = orders.map(({ id, content_sha256 }) => ({ work_order_id: id, content_sha256 }))
      const body = { ...filter(options), allow, allow_secrets, allow_all_protected, confirm }
      const { approved, refused } = await api.call({ ...call, body })
      return { done: approved, refused: refused.map(({ work_order_id: id, error }) => ({ id, fault: asFault(error) })) }
    },
  }
}

/** What fits but for its risk, and how it becomes known which checks there are. */
function aboveNote(
  above: ApproveChosenResponse['above'],
  { risk, project }: Pick<ChoiceOptions, 'risk' | 'project'>,
): string | null {
  if (risk === undefined || above.length === 0) return null
  const levels = RISK_LEVELS.toReversed().map((level) => above.filter((one) => one.level === level))
  const counts = levels.flatMap((of) => {
    const sum = of.reduce((all, { orders }) => all + orders, 0)
    return sum === 0 ? [] : [`${sum} of risk ${of[0]?.level} (${of.map(({ rule }) => rule).join(', ')})`]
  })
  const isUnknown = above.some(({ rule }) => rule === 'unknown_checks')
  const check = `Which checks there are is known after: moose check ${project === undefined ? 'PROJECT' : project}`
  return `Above risk ${risk}, and not chosen: ${counts.join(', ')}.${isUnknown ? ` ${check}` : ''}`
}

/** The held commit that was looked up, of which alone something is allowed then; nothing where none is held, or nothing is allowed. */
function heldOf({ status, status_reason: reason }: WorkOrderView, wish: ApproveWorkOrder): { head_sha?: string } {
  const isAllowing = wish.allow_all_protected || wish.allow.length + wish.allow_secrets.length > 0
  if (!isAllowing || status !== 'blocked' || reason?.code !== 'protected_change') return {}
  const held = heldFrom(reason.details)
  return held === null ? {} : { head_sha: held.headSha }
}

/** @throws {Fault} `request_invalid` naming the options */
function allowed({ allow, allowSecret, allowAllProtected }: ApproveOptions): ApproveWorkOrder {
  const asked = { allow, allow_secrets: allowSecret, allow_all_protected: allowAllProtected }
  const parsed = ApproveWorkOrder.safeParse(asked)
  if (parsed.success) return parsed.data
  const names: Record<string, string> = { allow: '--allow', allow_secrets: '--allow-secret' }
  const problems = fieldProblems(parsed.error).map(({ field, ...problem }) => {
    const [name] = field.split(/[.[]/, 1)
    return { ...problem, field: names[String(name)] ?? field }
  })
  throw new Fault('request_invalid', `Nothing was approved: ${describeProblems(problems)}.`)
}

/** What happens to an approved order next, and what to type. @param obstacle what it waits for, by `obstacleTo` */
export function afterApproval(
  { id, status, files_in_scope: scope, status_reason: reason }: WorkOrderView,
  service: ServiceState,
  obstacle: string | null,
): string {
  const short = shortId(id)
  if (status === 'blocked' && reason?.code === 'protected_change')
    return `Something of its change is not allowed yet; see what with: moose show ${short}`
  if (scope.length === 0)
    return `It names no file that may change, and fails as soon as it is run. Name them with: moose edit ${short} --file PATH   Then approve it again.`
  // Approved again after it ended; it is claimed only after another attempt is asked for.
  if (status !== 'pending') return `Try it again with: moose retry ${short}`
  if (service === 'polling') return takenOn(id, obstacle)
  const first = obstacle === null ? `Run it now with: moose run ${short}` : takenOn(id, obstacle)
  if (service === 'idle') return `${first}   Have the service take on all approved ones: moose start`
  return `${first}   Have all approved ones run: moose up --start`
}
