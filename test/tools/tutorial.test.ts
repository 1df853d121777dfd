import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { BudgetResponse } from '../../src/contract/budget.ts'
import { gitIn } from '../support/git-remote.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { packedMoose } from '../support/packed-moose.ts'

const PAGE = new URL('../../docs/tutorial.md', import.meta.url)
/** Whose HOME the tutorial shows. */
const READERS_HOME = '/home/ada'
const ANTHROPIC = ['claude-haiku-4-5', 'claude-opus-5-5', 'claude-sonnet-4-5', 'claude-sonnet-5']

/** What the model answers to the order of the tutorial. */
const ANSWER = `Without a name, greet the world.

### edit greet.js
<<<<<<< SEARCH
export function greet(name) {
=======
export function greet(name = 'world') {
>>>>>>> REPLACE

### edit greet.test.js
<<<<<<< SEARCH
  assert.equal(greet('Ada'), 'Hello Ada')
})
=======
  assert.equal(greet('Ada'), 'Hello Ada')
})

test('greets the world without a name', () => {
  assert.equal(greet(), 'Hello world')
})
>>>>>>> REPLACE
`

type Step = { line: number; command: string; shown: string }

/** The commands of the console blocks, `> ` lines with them, each with what the page shows beneath. */
function stepsOf(page: string): Step[] {
  const steps: Step[] = []
  let isConsole = false
  for (const [index, text] of page.split('\n').entries()) {
    const step = steps.at(-1)
    if (text.startsWith('```')) isConsole = text === '```console'
    else if (!isConsole) continue
    else if (text.startsWith('$ ')) steps.push({ line: index + 1, command: `${text.slice(2)}\n`, shown: '' })
    else if (step === undefined) throw new Error(`line ${index + 1} of the tutorial belongs to no command`)
    else if (/^>(?: |$)/.test(text)) step.command += `${text.slice(2)}\n`
    else step.shown += `${text}\n`
  }
  return steps
}

/** Ids of the page and what they are here, by the first that was seen in the same place. */
type Ids = Map<string, string>

const ID = String.raw`\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,12}\b`
const DURATION = String.raw`\b(?:\d+m )?\d+(?:\.\d+)?m?s\b`

/** A shortened id of the page as it has to be typed here. */
function typed(command: string, ids: Ids): string {
  return command.replaceAll(/\b[0-9a-f]{4,12}\b/g, (word) => {
    const known = [...ids].find(([shown]) => shown.startsWith(word))
    return known === undefined ? word : known[1].slice(0, word.length)
  })
}

/** Runs of blanks are one: columns are as wide as what is in them. */
const plain = (text: string) => text.replaceAll(/[ \t]+/g, ' ').trim()

/** Whether it printed what the page shows; ids that are new are noted. */
function isAsShown(shown: string, printed: string, ids: Ids): boolean {
  const lines = plain(shown).split('\n')
  const met = new Set<string>()
  const patterns = lines.map((line) => (line === '…' ? '(?:.*\n)*?' : `${patternOf(line, ids, met)} ?\n`))
  const groups = new RegExp(`^${patterns.join('')}$`).exec(`${plain(printed)}\n`)
  for (const [name, id] of Object.entries({ ...groups?.groups })) ids.set(name.slice(1), id)
  return groups !== null
}

/**
 * `…` is anything, a duration any other, and an id of the page always the same one here.
 *
 * @param met new ids that have a group in the same expression already
 */
function patternOf(line: string, ids: Ids, met: Set<string>): string {
  const parts = line.split(new RegExp(`(…|${DURATION}|${ID})`))
  return parts
    .map((part) => {
      if (part === '…') return '.*?'
      if (new RegExp(`^${DURATION}$`).test(part)) return DURATION
      const known = ids.get(part)
      if (known !== undefined) return known
      if (!new RegExp(`^${ID}$`).test(part)) return RegExp.escape(part)
      if (met.has(part)) return String.raw`\k<i${part}>`
      met.add(part)
      return `(?<i${part}>[0-9a-f]{${part.length}})`
    })
    .join('')
}

type Said = { exitCode: number; printed: string }
type Session = AsyncDisposable & { run(command: string): Promise<Said> }

/** One shell from beginning to end, as a reader has it: `cd` and `export` hold for what follows. */
function openShell(folder: string, env: Record<string, string>): Session {
  const shell = spawn('/bin/sh', [], { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: shell.stdout })[Symbol.asyncIterator]()
  const script = path.join(folder, 'command.sh')
  const END = 'the command has ended with'
  return {
    async run(command) {
      await writeFile(script, command)
      shell.stdin.write(`. '${script}' </dev/null 2>&1; printf '\\n%s %d\\n' '${END}' $?\n`)
      const printed: string[] = []
      for (;;) {
        const { value, done } = await lines.next()
        assert.ok(done !== true, `the shell is gone after: ${command}`)
        if (value.startsWith(END)) return { exitCode: Number(value.slice(END.length)), printed: printed.join('\n') }
        printed.push(value)
      }
    },
    async [Symbol.asyncDispose]() {
      shell.stdin.end()
      await once(shell, 'close')
    },
  }
}

describe('docs/tutorial.md', { timeout: 400_000 }, () => {
  let folder: string
  let home: string
  let environment: Record<string, string>
  let model: ModelServer

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'moose-tutorial-'))
    home = path.join(folder, 'ada')
    const temporary = path.join(folder, 'tmp')
    for (const made of [home, temporary]) await mkdir(made)
    // As root the database runs as another user, who has to get there.
    await chmod(folder, 0o755)
    await chmod(temporary, 0o1777)
    // By the price of the cheapest: 2300 × $1 and 210 × $5 per million.
    model = await startModelServer({ kind: 'text', text: ANSWER, input: 2300, output: 210 })
    const ada = ['AUTHOR', 'COMMITTER'].flatMap((who) => [
      [`GIT_${who}_NAME`, 'Ada'],
      [`GIT_${who}_EMAIL`, 'ada@example.org'],
    ])
    const { path: PATH } = await packedMoose()
    environment = { HOME: home, PATH, TMPDIR: temporary, LC_ALL: 'C.UTF-8', ...Object.fromEntries(ada) }
  })
  after(async () => {
    await model[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('every command prints what the page shows, and ends with the change in the origin', async () => {
    await using shell = openShell(folder, environment)
    // The only thing that is not on the page: a stand-in answers, not the provider.
    for (const name of ANTHROPIC) {
      const { exitCode, printed } = await shell.run(`moose proposer edit ${name} --base-url ${model.url}\n`)
      assert.equal(exitCode, 0, printed)
    }
    const steps = stepsOf((await readFile(PAGE, 'utf8')).replaceAll(READERS_HOME, home))
    assert.ok(steps.length > 20)
    const ids: Ids = new Map()
    for (const { line, command, shown } of steps) {
      const { printed, exitCode } = await shell.run(typed(command, ids))
      const said = `It exits with ${exitCode} and prints:\n${printed}\n\nThe page shows:\n${shown}`
      assert.ok(exitCode === 0 && isAsShown(shown, printed, ids), `line ${line} of the tutorial: ${command}${said}`)
    }
    const origin = path.join(home, 'greeting.git')
    assert.match(await gitIn(origin, 'show', 'main:greet.js'), /name = 'world'/)
    assert.deepEqual(
      model.calls.map(({ path }) => path),
      ['/messages'],
    )
    const { printed } = await shell.run('moose budget --json\n')
    const { budget } = BudgetResponse.parse(JSON.parse(printed))
    assert.deepEqual([budget.today.spent_usd, budget.today.reserved_usd], [0.00335, 0])
  })
})
