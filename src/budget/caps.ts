import type { CapTarget } from '../contract/budget-changes.ts'
import type { SummedBy } from '../db/budget-entries/cap-sums.ts'

/** A cap that no call may pass. */
type HardCap = {
  /** What the details of a refusal call it. */
  scope: string
  /** The entries it is compared with. */
  summedBy: SummedBy
  /** In a sentence. `of` is the order's id, the project's name, the day or the month. */
  label: (of: string) => string
  /** What `moose budget cap` calls it. */
  argument: (of: string) => string
}

type Cap = {
  target: CapTarget
  /** In USD, where `budget_limits` does not state it; null: no cap. */
  usual: string | null
  /** Null: passing it only warns. */
  hard: HardCap | null
}

/**
 * Every cap there is, by its name in the row `budget_limits` of `system_config`: those of the first Moose, and a cap per
 * order and per project beside them. In the order in which a refusal names them.
 */
export const CAPS = {
  order_cap: {
    target: 'order',
    usual: '5',
    hard: {
      scope: 'order',
      summedBy: 'order',
      label: () => 'of this order',
      argument: (of) => `order:${of.slice(0, 8)}`,
    },
  },
  project_monthly_cap: {
    target: 'project',
    usual: null,
    hard: {
      scope: 'project',
      summedBy: 'project',
      label: (of) => `of the project ${of} for this month`,
      argument: (of) => `project:${of}`,
    },
  },
  daily_soft_cap: { target: 'day-soft', usual: '50', hard: null },
  daily_hard_cap: {
    target: 'day',
    usual: '100',
    hard: { scope: 'day', summedBy: 'day', label: (of) => `of the day (${of}, UTC)`, argument: () => 'day' },
  },
  monthly_target: { target: 'month-soft', usual: '500', hard: null },
  monthly_hard_cap: {
    target: 'month',
    usual: '1000',
    hard: {
      scope: 'month',
      summedBy: 'month',
      label: (of) => `of the month (${of.slice(0, 7)}, UTC)`,
      argument: () => 'month',
    },
  },
  emergency_kill: {
    target: 'kill',
    usual: '200',
    hard: {
      scope: 'emergency_kill',
      summedBy: 'day',
      label: (of) => `of the emergency kill for the day (${of}, UTC)`,
      argument: () => 'kill',
    },
  },
} as const satisfies Record<string, Cap>

export type LimitName = keyof typeof CAPS
export type Scope = NonNullable<(typeof CAPS)[LimitName]['hard']>['scope']

/** Makes the same of every cap, by its name. */
export function forEachCap<Result>(make: (name: LimitName) => Result): Record<LimitName, Result> {
  return {
    order_cap: make('order_cap'),
    project_monthly_cap: make('project_monthly_cap'),
    daily_soft_cap: make('daily_soft_cap'),
    daily_hard_cap: make('daily_hard_cap'),
    monthly_target: make('monthly_target'),
    monthly_hard_cap: make('monthly_hard_cap'),
    emergency_kill: make('emergency_kill'),
  }
}

const LIMIT_NAMES = Object.values(forEachCap((name) => name))

/** The name of the limit that `moose budget cap` calls so. */
export function limitOf(target: CapTarget): LimitName {
  // The compiler makes sure that every target is in the list.
  const known: (typeof CAPS)[LimitName]['target'] = target
  const found = LIMIT_NAMES.find((name) => CAPS[name].target === known)
  if (found === undefined) throw new Error(`there is no limit of ${target}`)
  return found
}

/** The caps that no call may pass, in the order in which a refusal names them. */
export const HARD_CAPS = LIMIT_NAMES.flatMap((limit) => {
  const { hard } = CAPS[limit]
  return hard === null ? [] : [{ limit, ...hard }]
})

/** The hard cap of a scope. */
export function hardCapOf(scope: Scope): HardCap {
  const found = HARD_CAPS.find((cap) => cap.scope === scope)
  if (found === undefined) throw new Error(`there is no cap of ${scope}`)
  return found
}
