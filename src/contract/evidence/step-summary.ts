import { z } from 'zod'

const MOST_OF_TEXT = 500
const Routed = z.object({
  decision: z.object({ selected_proposer: z.string(), reason: z.string() }),
  verifies: z.number().optional(),
  /** An earlier Moose kept no more than that. */
  toVerify: z
    .object({
      pull: z.object({ branch: z.string() }).nullable(),
      propose: z.object({ proposer: z.string() }).optional(),
    })
    .optional(),
  resolves: z.boolean().optional(),
  /** What a reaction of Moose's own has a model do on the branch; `task` null: git merges the base in. */
  follows: z.object({ task: z.string().nullable() }).nullish(),
})
const Proposed = z.object({
  proposer: z.string().optional(),
  /** Of a repair. */
  reason: z.string().optional(),
  response: z.object({
    proposer_used: z.string(),
    replayed: z.boolean().optional(),
    refinement_metadata: z.object({ cycles: z.number().optional() }).nullish(),
  }),
  failover: z.object({ instead_of: z.string(), because: z.string() }).nullish(),
})
const Applied = z.object({ executor: z.string(), reason: z.string() })
const Verified = z.object({
  failure: z.object({ code: z.string() }).nullable(),
  checks: z.array(z.object({ outcome: z.string(), baseline: z.boolean().nullish() })),
})
const Published = z.object({
  number: z.number(),
  branch: z.string(),
  /** An earlier Moose kept no more than whether it does. */
  keepsText: z.union([z.string(), z.boolean()]).nullish(),
})

/** Of a pull request whose commit was verified again. */
export const TEXT_STAYS = 'its text was edited on GitHub and stays as it is'

/**
 * In words, what an attempt that makes no change of its own verifies.
 *
 * @param branch of the open pull request, which others may have changed; null: there is none
 */
export function whatIsVerified(maker: number, branch: string | null): string {
  return branch === null ? `the commit of attempt ${maker}` : `what the branch ${branch} holds`
}

/** What a step has done and why it did it so, by its name. */
const TELL: Readonly<Record<string, (output: unknown) => string | null>> = {
  route: (output) => told(Routed, output, tellRouted),
  propose: (output) => told(Proposed, output, tellProposed),
  apply: (output) => told(Applied, output, ({ executor, reason }) => `${executor}: ${reason}`),
  verify: (output) => told(Verified, output, tellVerified),
  publish: (output) => told(Published, output, tellPublished),
}

/** In one line of at most 500 characters; null: it has given nothing that is known. */
export function stepSummary({ name, output }: { name: string; output?: unknown }): string | null {
  const tell = Object.hasOwn(TELL, name) ? TELL[name] : undefined
  const text = tell === undefined ? null : tell(output)
  return text === null ? null : text.slice(0, MOST_OF_TEXT).toWellFormed().replaceAll(/\s+/g, ' ')
}

function told<Output>(schema: z.ZodType<Output>, output: unknown, tell: (output: Output) => string): string | null {
  const { data } = schema.safeParse(output)
  return data === undefined ? null : tell(data)
}

function tellRouted(routed: z.infer<typeof Routed>): string {
  const { decision, verifies, toVerify, follows } = routed
  if (verifies === undefined) return `${decision.selected_proposer}: ${decision.reason}`
  const pull = toVerify === undefined ? null : toVerify.pull
  const what = whatIsVerified(verifies, pull === null ? null : pull.branch)
  const task = follows?.task
  if (task === undefined || task === null) return `verifies ${what}; ${whenAsked(routed)}`
  const asked = toVerify?.propose?.proposer
  return `has ${asked === undefined ? 'the model that made it' : asked} change ${what} (${task}), and verifies that`
}

/** What git merges by itself is mended where it fails; what a human has verified again is not. */
function whenAsked({ resolves, follows }: z.infer<typeof Routed>): string {
  const cases = [
    ...(resolves === true ? ['git cannot merge the base'] : []),
    ...(follows === undefined || follows === null ? [] : ['a check newly fails']),
  ]
  return cases.length === 0 ? 'no model is called' : `a model is asked only where ${cases.join(', or ')}`
}

function tellProposed({ response, failover, reason }: z.infer<typeof Proposed>): string {
  const { proposer_used: used, replayed, refinement_metadata: refined } = response
  const calls = refined?.cycles === undefined || refined.cycles === 1 ? '' : `, ${refined.cycles} calls`
  const instead =
    failover === undefined || failover === null ? '' : `, instead of ${failover.instead_of}: ${failover.because}`
  const why = reason === undefined ? '' : `${reason}; `
  return `${why}${used}${replayed === true ? ' (replay: no model was called)' : ''}${calls}${instead}`
}

function tellPublished({ number, branch, keepsText }: z.infer<typeof Published>): string {
  const kept = keepsText === true ? TEXT_STAYS : keepsText
  return `pull request #${number} from ${branch}${typeof kept === 'string' ? `; ${kept}` : ''}`
}

function tellVerified({ failure, checks }: z.infer<typeof Verified>): string {
  if (checks.length === 0) return failure === null ? 'nothing to run: the project has no checks' : failure.code
  const passed = checks.filter(({ outcome }) => outcome === 'passed').length
  const old = checks.filter(({ baseline }) => baseline === true).length
  const all = `${passed} of ${checks.length} ${checks.length === 1 ? 'check' : 'checks'} passed`
  return old === 0 ? all : `${all}, ${old} failed before this change as well`
}
