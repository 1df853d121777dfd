/** What a command does and costs, by its verb and the option that makes it another one. */
const REMARKS: ReadonlyMap<string, string> = new Map([
  ['adopt', 'gives the branch back to Moose, which verifies it and goes on'],
  ['approve', 'lets it run'],
  ['cancel', 'gives it up'],
  ['close', 'closes the pull request unmerged'],
  ['decide', 'what can be done, and what each may cost'],
  ['edit', 'changes what it asks for'],
  ['logs', 'what happened'],
  ['merge', 'merges what was verified'],
  ['reject', 'turns it down'],
  ['retry', 'carries it out again, and says whether a model is asked and paid'],
  ['retry --fresh', 'asks the model anew, told of no failure, and is paid for'],
  ['run', 'runs it now'],
  ['show --diff', 'what it changes'],
  ['why', 'why that one stands where it stands'],
  ['verify', 'runs the checks on the commit that is there and costs nothing'],
  ['verify --resolve', 'has the model resolve the conflict, which is paid for'],
])

/**
 * What a command on an order does, in a few words; null: of one that needs none. It stands on a line of its own, as a command
 * is copied by the line and not every shell takes `#` for a comment.
 */
export function remarkOf(command: string): string | null {
  if (/^moose edit \S+ --depends-on none$/.test(command)) return 'has it wait for no other order'
  const [, verb = '', ...words] = command.split(' ')
  const option = words.at(1)
  const remark = words.length > 2 ? undefined : REMARKS.get(option === undefined ? verb : `${verb} ${option}`)
  return remark === undefined || words.length === 0 ? null : remark
}
