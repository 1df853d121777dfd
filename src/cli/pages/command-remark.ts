/** What a command does and costs, by its verb and the option that makes it another one. */
const REMARKS: ReadonlyMap<string, string> = new Map([
  ['approve', 'lets it run'],
  ['cancel', 'gives it up'],
  ['close', 'closes the pull request unmerged'],
  ['edit', 'changes what it asks for'],
  ['logs', 'what happened'],
  ['merge', 'merges what was verified'],
  ['reject', 'turns it down'],
  ['retry', 'carries it out again, told what failed; may be paid for'],
  ['retry --fresh', 'asks the model anew, told of no failure; paid for'],
  ['run', 'runs it now'],
  ['show --diff', 'what it changes'],
  ['verify', 'runs the checks on the commit that is there; costs nothing'],
  ['verify --resolve', 'the model resolves the conflict; paid for'],
])

/** A command on an order with a short remark behind it, as a comment of the shell; one that needs none stays as it is. */
export function withRemark(command: string): string {
  const [, verb = '', ...words] = command.split(' ')
  const option = words.at(1)
  const remark = words.length > 2 ? undefined : REMARKS.get(option === undefined ? verb : `${verb} ${option}`)
  return remark === undefined || words.length === 0 ? command : `${command}   # ${remark}`
}
