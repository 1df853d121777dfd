import { Fault } from '../../faults/fault.ts'
import { counted } from '../pages/humanize.ts'
import { harmless } from '../pages/terminal-text.ts'

/**
 * One fault for all problems; nothing has been stored.
 *
 * @param problems each as it is shown, e.g. `order.yaml:3: title is empty`
 */
export function ordersInvalid(problems: readonly string[]): Fault {
  const list = problems.map((problem) => `  ${harmless(problem)}`).join('\n')
  const message = `${counted(problems.length, 'problem')}; nothing was stored.\n${list}\nCorrect this and run the command again.`
  return new Fault('work_order_invalid', message, { problems: problems.join('\n') })
}
