/** What an attempt, and what follows it, does outside its own process, by name; about in the order it happens. */
export const FAULT_POINTS = [
  'claim',
  'start_workflow',
  'continue_workflow',
  'begin_step',
  'fetch_base',
  'check_base',
  'keep_base',
  'reserve',
  'call_model',
  'book_call',
  'end_step',
  'suspend',
  'open_workspace',
  'apply',
  'commit',
  'check',
  'fix',
  'push',
  'open_pull_request',
  'keep_pull_request',
  'record',
  'discard_workspace',
  'follow_up',
  'rerun',
  'reply',
  'comment',
  'ask_merge',
  'withdraw_merge',
] as const

export type FaultPoint = (typeof FAULT_POINTS)[number]

/** What happens around an effect; may wait for ever, throw or end the process. */
export type InjectedFault = (effect: FaultPoint, moment: 'before' | 'after') => Promise<void>

let interference: InjectedFault | null = null

/** For fault tests: from now on every effect of this process is interfered with; null: no longer. */
export function setFault(how: InjectedFault | null): void {
  interference = how
}

/**
 * Runs an effect. Everything outside that an attempt changes or pays for goes through here, so that a crash can be
 * tried right before and right after each of them.
 *
 * After a crash it is unknown whether the effect has happened: a repetition looks first, or is harmless.
 */
export async function faultPoint<Result>(name: FaultPoint, happen: () => Promise<Result>): Promise<Result> {
  if (interference === null) return happen()
  await interference(name, 'before')
  const result = await happen()
  await interference(name, 'after')
  return result
}
