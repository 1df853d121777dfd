/** `npm run bench -- NAME`: measurements that are no tests, because they take long or judge nothing. */
import { spawnSync } from 'node:child_process'

type Bench = {
  about: string
  /** Loaded when it is run: each stands on much. */
  load(): Promise<(args: readonly string[]) => void | Promise<void>>
}

/** In the order they run in when none is named. */
const BENCHES: Readonly<Record<string, Bench>> = {
  pickup: {
    about: 'from approval to the first step, beside graphile-worker and pg-boss [--rounds N]',
    load: async () => (await import('./pickup/bench.ts')).benchPickup,
  },
  claim: {
    about: 'a claim with 10 and with 10,000 orders pending [--rounds N] [--pending N]',
    load: async () => (await import('./claim/bench.ts')).benchClaim,
  },
  overhead: {
    about: 'one order beside a shell script with the same bare git commands [--rounds N]',
    load: async () => (await import('./overhead/bench.ts')).benchOverhead,
  },
  idle: {
    about: 'processor and memory of a moose up --start that has nothing to do [--seconds N] [--settle N]',
    load: async () => (await import('./idle/bench.ts')).benchIdle,
  },
  cli: {
    about: 'from the shell and back: --help, list, show and status, beside gh --version and node -e 0 [--rounds N]',
    load: async () => (await import('./cli/bench.ts')).benchCli,
  },
  sandbox: {
    about: 'one child in a sandbox, beside the same without one [--rounds N]',
    load: async () => (await import('./sandbox/bench.ts')).benchSandbox,
  },
  workspace: {
    about: 'work trees of 1k, 20k and 100k files, whole and scoped, beside bare git [--rounds N] [--files MOST]',
    load: async () => (await import('./workspace/bench.ts')).benchWorkspace,
  },
  orders: {
    about: 'orders that do nothing, per second, with 1 and 4 workers [--orders N] [--rounds N]',
    load: async () => (await import('./orders/bench.ts')).benchOrders,
  },
  tokens: {
    about: "tokens of the same orders, beside the specification's flow with real Aider",
    load: async () => (await import('./tokens/bench.ts')).benchTokens,
  },
  forms: {
    about: 'tokens of the same changes in blocks, as a diff and as calls of tools [--commits N] [--repository PATH]',
    load: async () => (await import('./forms/bench.ts')).benchForms,
  },
  edits: {
    about: 'how the time of an answer grows with it and its file, up to 1 MB and 50,000 lines [--rounds N]',
    load: async () => (await import('./edits/bench.ts')).benchEdits,
  },
  fidelity: {
    about:
      'commits of a repository as orders, in every form of an answer [--repository PATH] [--commits N|all] [--seed S]',
    load: async () => (await import('./fidelity/bench.ts')).benchFidelity,
  },
  soak: {
    about: 'what one service holds and stores over 1,000 small orders [--orders N] [--every N]',
    load: async () => (await import('./soak/bench.ts')).benchSoak,
  },
  routing: {
    about:
      'what a merged pull request costs by each policy [--seed N] [--worlds N] [--orders N] [--sensitivity] [--json]',
    load: async () => (await import('./routing/bench.ts')).benchRouting,
  },
}

const width = Math.max(...Object.keys(BENCHES).map((name) => name.length))
const LIST = Object.entries(BENCHES).map(([name, { about }]) => `  ${name.padEnd(width)}  ${about}`)
const HELP = `npm run bench             all of them, one after the other; takes a while
npm run bench -- NAME     one of them; docs/benchmarks.md says what each measures

${LIST.join('\n')}`

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === '--help') {
    console.log(HELP)
    return 0
  }
  if (name === undefined) return runAll()
  const bench = BENCHES[name]
  if (bench === undefined) throw new TypeError(`There is no bench "${name}".`)
  const run = await bench.load()
  await run(args)
  return 0
}

/** Each in a process of its own, so that none measures what another has left in memory. */
function runAll(): number {
  const ended = Object.keys(BENCHES).map((name) => {
    console.log(`\n# ${name}\n`)
    return spawnSync(process.execPath, [import.meta.filename, name], { stdio: 'inherit' }).status
  })
  return ended.every((status) => status === 0) ? 0 : 1
}

try {
  // A bench that finds what must not be has set it.
  process.exitCode ||= await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof TypeError)) throw error
  console.error(`${error.message}\n\n${HELP}`)
  process.exitCode = 2
}
