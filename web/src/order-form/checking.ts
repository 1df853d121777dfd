import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { answer, api, type Schemas, type Scope } from '../api/client.ts'
import { lackOf, useHasScope } from '../ui/asked-button.tsx'

export type OrderCheck = Schemas['OrderCheck']
export type Problem = Schemas['OrderProblem']
type Filing = { work_orders: readonly unknown[]; edit_of?: string }
type FileText = { text: string; format?: 'csv' | 'jsonl' | 'json' | 'yaml'; project?: string }

/** What is typed is checked once nothing was typed for so long. */
const TYPED_MS = 250
const KEPT_MS = 30_000

/** What filing would mean, as the API says it; nothing is stored by asking. */
export const checkQuery = (body: (Filing & { work_orders: unknown[] }) | FileText) =>
  queryOptions({
    queryKey: ['check', body],
    queryFn: ({ signal }) => answer(api.POST('/api/work-orders/check', { body, signal })),
    placeholderData: keepPreviousData,
    staleTime: KEPT_MS,
    gcTime: KEPT_MS,
    retry: false,
  })

/** A value once it has stayed the same for a moment. */
export function useSettled<Value>(value: Value, afterMs = TYPED_MS): Value {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), afterMs)
    return () => clearTimeout(timer)
  }, [value, afterMs])
  return settled
}

/** Why the session may not do what takes this scope; undefined: it may. */
export function useWhyNot(): (scope: Scope) => string | undefined {
  const has = useHasScope()
  return (scope) => lackOf(has, scope)
}

const NAMES: Readonly<Record<string, string>> = {
  title: 'The title',
  description: 'The description',
  acceptance_criteria: 'The list of criteria',
  files_in_scope: 'The list of files',
  context: 'The list of files to read',
  risk_level: 'The risk',
  project: 'The project',
  budget_usd: 'The budget',
}

/** The field a problem is of, without the place in its list. */
export function fieldOf({ field }: Problem): string {
  return String(field.split(/[.[]/, 1)[0])
}

/** The place in a list that a problem is of; null: none. */
export function placeOf({ field }: Problem): number | null {
  const place = /\[(\d+)\]/.exec(field)
  return place === null ? null : Number(place[1])
}

/** A problem as a sentence. */
export function sentenceOf(problem: Problem): string {
  const place = placeOf(problem)
  const name = NAMES[fieldOf(problem)]
  if (place !== null && fieldOf(problem) === 'files_in_scope') return `${problem.reason}.`
  if (place !== null && fieldOf(problem) === 'context') return `File to read ${place + 1} ${problem.reason}.`
  if (place !== null) return `Criterion ${place + 1} ${problem.reason}.`
  const subject = problem.field === '' ? 'It' : name === undefined ? problem.field : name
  return `${subject} ${problem.reason}.`
}
