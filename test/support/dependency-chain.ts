import { type ReceivedCall, type Scripted, startModelServer } from './model-server.ts'
import { createMooseHome, type MooseHome } from './moose-home.ts'
import { useStandIn } from './stand-in-proposer.ts'

const FILES = {
  'a.txt': 'a\n',
  'moose.yaml': 'checks:\n  - { name: whole, run: "! grep -q broken *.txt", proves: [1] }\n',
}
const SETTINGS = { OPENAI_COMPATIBLE_API_KEY: 'sk-real', ORCHESTRATOR_EXECUTOR: 'patch', MOOSE_REPAIR_MAX: '0' }

/** Of the files that the orders of the chain write, in the order in which they have to be merged. */
export const NAMES = ['one', 'two', 'three', 'four', 'five']

/** Each depends on the one before, by its title. */
export const CHAINED_ORDERS = NAMES.map((name, index) => ({
  title: `Write ${name}`,
  files_in_scope: [`${name}.txt`],
  acceptance_criteria: ['Nothing is broken'],
  risk_level: 'low',
  ...(index === 0 ? {} : { depends_on: [`Write ${NAMES[index - 1]}`] }),
}))

/** A home whose model writes what the orders of the chain ask for; the first answer for the third fails its check. */
export async function createChainHome(stack: AsyncDisposableStack): Promise<MooseHome> {
  let asked = 0
  const written = ({ body }: ReceivedCall): Scripted => {
    const [, name] = /Work Order: Write (\w+)\\n/.exec(JSON.stringify(body)) ?? []
    asked += name === 'three' ? 1 : 0
    const word = name === 'three' && asked === 1 ? 'broken' : name
    return { kind: 'text', text: `### write ${name}.txt\n\`\`\`\n${word}\n\`\`\`\n` }
  }
  const home = stack.use(await createMooseHome(FILES, [], SETTINGS))
  const server = stack.use(await startModelServer(written))
  await useStandIn(home, 'small', { url: server.url, threshold: 1 })
  return home
}
