import { useEffect, useState } from 'react'
import type { OrderDetail, Schemas } from '../api/client.ts'

/** The form as it is typed; criteria, files to read and what it waits for are lines of one text. */
export type Fields = {
  title: string
  description: string
  criteria: string
  files: readonly string[]
  /** Files to read, as lines. */
  context: string
  /** Orders it waits for, as lines. */
  dependsOn: string
  risk: string
  /** Empty: none is chosen. */
  project: string
  /** Empty: as much as any order. */
  budget: string
}

export const NO_FIELDS: Fields = {
  title: '',
  description: '',
  criteria: '',
  files: [],
  context: '',
  dependsOn: '',
  risk: 'medium',
  project: '',
  budget: '',
}

export function fieldsOf(order: OrderDetail): Fields {
  return {
    title: order.title,
    description: order.description,
    criteria: order.acceptance_criteria.join('\n'),
    files: order.files_in_scope,
    context: order.context.join('\n'),
    dependsOn: order.depends_on.join('\n'),
    risk: order.risk_level,
    project: order.project === null ? '' : order.project,
    budget: order.budget_usd === null ? '' : String(order.budget_usd),
  }
}

/** As the API takes it; what is wrong with it is for the API to say. */
export function bodyOf({
  title,
  description,
  criteria,
  files,
  context,
  dependsOn,
  risk,
  project,
  budget,
}: Fields): Record<string, unknown> {
  return {
    title,
    description,
    acceptance_criteria: linesOf(criteria),
    files_in_scope: files,
    context: linesOf(context),
    depends_on: linesOf(dependsOn).map((line) => line.trim()),
    risk_level: risk,
    ...(project === '' ? {} : { project }),
    ...(budget.trim() === '' ? {} : { budget_usd: budget.trim() }),
  }
}

export function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '')
}

/** The fields that differ, as an edit names them. */
export function changesOf(before: Fields, after: Fields): Schemas['EditWorkOrder'] {
  const body = bodyOf(after)
  const same = bodyOf(before)
  const names = Object.keys({ ...same, ...body }).filter(
    (name) => JSON.stringify(body[name]) !== JSON.stringify(same[name]),
  )
  return Object.fromEntries(names.map((name) => [name, body[name] === undefined ? null : body[name]]))
}

/**
 * Something typed that outlives a reload of the page in this tab; null when it is to be forgotten.
 *
 * @param sample what is kept has its form; what another version has kept in another is dropped
 */
export function useDraft<Value extends object>(
  key: string,
  sample: Value,
): readonly [Value | null, (value: Value | null) => void] {
  const [draft, setDraft] = useState<Value | null>(() => {
    const kept = jsonOrNull(sessionStorage.getItem(key))
    return isLike(kept, sample) ? kept : null
  })
  useEffect(() => {
    if (draft === null) sessionStorage.removeItem(key)
    else keep(key, JSON.stringify(draft))
  }, [key, draft])
  return [draft, setDraft]
}

function jsonOrNull(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text)
  } catch {
    return null
  }
}

/** Whether it has every field of the sample, and each of them is of that kind; lists are of texts. */
function isLike<Value>(kept: unknown, sample: Value): kept is Value {
  if (typeof kept !== typeof sample || kept === null) return false
  if (Array.isArray(sample)) return Array.isArray(kept) && kept.every((entry) => typeof entry === 'string')
  if (typeof sample !== 'object' || sample === null || typeof kept !== 'object') return true
  return Object.entries(sample).every(([name, value]) => isLike(Reflect.get(kept, name), value))
}

/** Who logs in next is somebody else. */
export function forgetDrafts(): void {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith('draft ')) sessionStorage.removeItem(key)
}

/** Where there is no room for it, it lives as long as the page. */
function keep(key: string, text: string): void {
  try {
    sessionStorage.setItem(key, text)
  } catch {
    sessionStorage.removeItem(key)
  }
}
