import type { WorkOrderView } from '../../contract/work-orders.ts'
import { LONGEST_TITLE, oneLine } from './terminal-text.ts'

type Told = Pick<WorkOrderView, 'verification' | 'acceptance_criteria' | 'project'>

/** Criteria or names told of one order. */
const MOST = 5

/** What the checks of its project will not say of an order, each as one line; empty when they prove every criterion. */
export function verificationNotes({ verification, acceptance_criteria: criteria, project }: Told): string[] {
  if (verification === undefined) return []
  const check = `moose check${project === null ? '' : ` ${oneLine(project, LONGEST_TITLE)}`}`
  if (verification === null) return [`Which checks will verify it is not known yet: ${check}`]
  if (verification.checks === 0) return ['Nothing will be verified: the base commit has no checks (moose.yaml).']
  const unproved = verification.unproved.map(
    (number) => `${number} (${oneLine(String(criteria[number - 1]), LONGEST_TITLE)})`,
  )
  const unmatched = verification.unmatched.map(
    ({ check: name, proves }) => `${oneLine(name, LONGEST_TITLE)}: ${oneLine(String(proves), LONGEST_TITLE)}`,
  )
  return [
    ...(unproved.length === 0 ? [] : [`No check proves criterion ${some(unproved)}.`]),
    ...(unmatched.length === 0 ? [] : [`proves: of moose.yaml names what is no criterion of it: ${some(unmatched)}.`]),
  ]
}

function some(all: readonly string[]): string {
  const more = all.length > MOST ? `, and ${all.length - MOST} more` : ''
  return `${all.slice(0, MOST).join(', ')}${more}`
}
