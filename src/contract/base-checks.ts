import { FaultBody } from './faults.ts'
import { ChildNetwork, HostGrant, NetworkUse, RefusedHost } from './hosts/host-rule.ts'
import { z } from './zod.ts'

/** Bytes of a `moose.yaml`: fifty checks of a screen each fit well, and a parser of YAML takes more than linear time. */
export const MOST_OF_MOOSE_YAML = 64 * 1024

/** What one check did on a base commit, before any change. */
export const BaseCheck = z
  .object({
    name: z.string(),
    run: z.string(),
    outcome: z.enum(['passed', 'failed', 'crashed', 'timed_out']),
    /** Null when it was ended by a signal. */
    exit_code: z.number().int().nullable(),
    duration_ms: z.number(),
    /** The last lines of what it printed. */
    output_tail: z.string(),
    /** The useful part of what it printed: failing assertions and first errors; missing: it passed, or an older Moose has run it. */
    told: z.string().optional(),
    /** The names of what failed; null: nothing did, or it cannot be told apart. */
    failures: z.array(z.string()).nullable(),
    /** Why it cannot be run as things are; null: it can. */
    fault: z.string().nullable(),
    /** What its output suggests to do; null: nothing. */
    hint: z.string().nullable(),
    /** The way to the net that it had; missing: an older Moose has run it. */
    network: ChildNetwork.optional(),
  })
  .openapi('BaseCheck')
export type BaseCheck = z.infer<typeof BaseCheck>

/** What fails cannot be told apart from what a change breaks, so that an order fails with it unless its change has it pass. */
export function failsUntold({ outcome, failures, fault }: Pick<BaseCheck, 'outcome' | 'failures' | 'fault'>): boolean {
  return outcome === 'failed' && fault === null && (failures === null || failures.length === 0)
}

/** What that means for orders, and what to do. @param names of the checks */
export function untoldWarning(names: readonly string[]): string {
  return (
    `what fails in ${names.join(', ')} cannot be told apart from what a change breaks: an order fails with it, after it was paid, ` +
    'unless its change has it pass. Unless orders are to mend it, mend it on the base first, or have it print its failures in ' +
    'the format of a tool that Moose reads, or write a report and name it (docs/checks.md#checks)'
  )
}

/** A pattern cannot count bytes: of a text that is not ASCII it takes as many characters as fit whatever they are. */
const AT_MOST_AS_BYTES = String.raw`^(?:[\u0000-\u007f]*|[\u0000-\uffff]{0,${Math.floor(MOST_OF_MOOSE_YAML / 3)}}|[\s\S]{0,${MOST_OF_MOOSE_YAML / 4}})$`

export const CheckProject = z
  .strictObject({
    /** Used instead of the one of the base commit. */
    moose_yaml: z
      .string()
      .refine((text) => Buffer.byteLength(text) <= MOST_OF_MOOSE_YAML, `has more than ${MOST_OF_MOOSE_YAML} bytes`)
      .meta({
        maxLength: MOST_OF_MOOSE_YAML,
        pattern: AT_MOST_AS_BYTES,
        description: `At most ${MOST_OF_MOOSE_YAML} bytes of UTF-8`,
      })
      .optional(),
    /** Forgets first what is known of the project's base commits. */
    fresh: z.boolean().optional(),
  })
  .openapi('CheckProject')
export type CheckProject = z.infer<typeof CheckProject>

export const CheckedProject = z
  .object({
    project: z.string(),
    branch: z.string(),
    sha: z.string(),
    /** Whose `moose.yaml` was used. */
    configuration: z.enum(['base', 'given']),
    /** Whether it is what the base commit has: then orders rely on the result. */
    is_base: z.boolean(),
    /** Null: there is nothing to set up. */
    setup: z
      .object({ run: z.string(), duration_ms: z.number(), reused: z.boolean(), not_kept: z.array(z.string()) })
      .nullable(),
    checks: z.array(BaseCheck),
    /** What `moose.yaml` asks for, what is granted, and what was refused now, of a failed set-up too. */
    network: z.object({
      asked: z.array(z.object({ host: z.string(), for: NetworkUse })),
      granted: z.array(HostGrant),
      refused: z.array(RefusedHost.extend({ for: NetworkUse })),
    }),
    /** What set-up and checks are handed of the operator's toolchains, beside the PATH. */
    handed: z.array(z.object({ name: z.string(), version: z.string().nullable(), where: z.string() })),
    /** Why an order would be blocked; null: it would begin. */
    fault: FaultBody.shape.error.nullable(),
  })
  .openapi('CheckedProject')
export type CheckedProject = z.infer<typeof CheckedProject>

/** One event of the stream of a check; the last one is `result` or `failed`. */
export const CheckEvent = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('note'), message: z.string() }),
    z.object({ type: z.literal('output'), text: z.string() }),
    z.object({ type: z.literal('checked'), check: BaseCheck }),
    z.object({ type: z.literal('result'), result: CheckedProject }),
    z.object({ type: z.literal('failed'), error: FaultBody.shape.error }),
  ])
  .openapi('CheckEvent')
export type CheckEvent = z.infer<typeof CheckEvent>
