import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { block, REAL_KEY } from '../support/aider-bench.ts'
import { AIDER } from '../support/aider-program.ts'
import { type GitHubServer, startGitHub } from '../support/github/github-server.ts'
import { type ModelServer, type ReceivedCall, startModelServer } from '../support/model-server.ts'
import { createMooseHome, type MooseHome } from '../support/moose-home.ts'
import { type LaunchedWorker, launchUp, launchWorker } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

/** Short, so that a takeover need not be waited for long; long enough for a machine that is busy. */
const LEASE_MS = 2_000

/** Two machines with one database, one GitHub and one provider; every order changes a file of its own. */
export type CrashSetting = AsyncDisposable & {
  home: MooseHome
  github: GitHubServer
  provider: ModelServer
  /** A worker on the first or the second machine. */
  worker(machine: 'first' | 'second', settings: Record<string, string>): LaunchedWorker
  /** A `moose up` there, which looks at pull requests each second. */
  service(machine: 'first' | 'second', settings: Record<string, string>): LaunchedWorker
}

/**
 * Of an order that wants it so, the check takes so long that it can be stopped meanwhile, or it is content only with what the
 * model, or its own fix, has mended.
 */
const CHECKS = `checks:
  - name: there
    run: |
      test -s f000.txt
      title=$(git log -1 --format=%s)
      file=$(echo "$title" | grep -o 'f[0-9]*\\.txt' || true)
      case "$title" in
        *slowly*) sleep 5;;
        *"model mend"*) grep -q mended $file;;
        *"fix mend"*) grep -q fixed $file;;
      esac
    fix: |
      title=$(git log -1 --format=%s)
      file=$(echo "$title" | grep -o 'f[0-9]*\\.txt')
      case "$title" in *"fix mend"*) echo fixed >> $file;; esac
`

export const fileOf = (number: number) => `f${String(number).padStart(3, '0')}.txt`

export async function createCrashSetting(files: number): Promise<CrashSetting> {
  await using stack = new AsyncDisposableStack()
  const content = Object.fromEntries(Array.from({ length: files }, (_, number) => [fileOf(number), 'old\n']))
  const checked = { ...content, 'moose.yaml': CHECKS }
  const home = stack.use(await createMooseHome(checked, []))
  const github = stack.use(await startGitHub(home.remote))
  const provider = stack.use(
    await startModelServer((call) => ({ kind: 'text', text: answerTo(call), input: 1_000, output: 200 })),
  )
  await useStandIn(home, 'stand-in', { url: provider.url, threshold: 1 })
  const project = { name: 'shop', repository: 'https://github.com/acme/shop.git', forge: 'github' } as const
  await home.database.db.updateTable('projects').set(project).execute()
  const folder = path.dirname(home.config.home)
  const user = path.join(folder, 'user')
  await mkdir(user)
  const environment = {
    ...home.environment,
    ...github.network,
    HOME: user,
    GH_TOKEN: github.token,
    OPENAI_COMPATIBLE_API_KEY: REAL_KEY,
    MOOSE_LOG_LEVEL: 'warn',
    MOOSE_LEASE_MS: String(LEASE_MS),
    ORCHESTRATOR_POLLING_INTERVAL_MS: '500',
    ORCHESTRATOR_AIDER_BIN: AIDER,
    ORCHESTRATOR_EXECUTOR: 'patch',
  }
  const owned = stack.move()
  return {
    home,
    github,
    provider,
    worker: (machine, settings) =>
      launchWorker({ ...environment, ...settings, MOOSE_HOME: path.join(folder, machine) }),
    service(machine, settings) {
      const MOOSE_HOME = path.join(folder, machine)
      return launchUp({ ...environment, ...settings, MOOSE_TRACK_INTERVAL_MS: '1000', MOOSE_HOME })
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** For Aider a block, for the Proposer whose edits are applied the whole file: who asks says how to answer. */
function answerTo({ body }: ReceivedCall): string {
  const asked = JSON.stringify(body)
  const [file = 'f000.txt'] = /f\d+\.txt/.exec(asked) ?? []
  const text = asked.includes('Your change was applied and committed') ? 'mended' : 'changed'
  return asked.includes('### write') ? `### write ${file}\n\`\`\`\n${text}\n\`\`\`\n` : block(file, 'old', 'changed')
}
