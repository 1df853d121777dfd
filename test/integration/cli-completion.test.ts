import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { shortId } from '../../src/cli/pages/humanize.ts'
import { moose } from '../support/moose-command.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { mooseUp, type ServiceProcess } from '../support/service-process.ts'
import { lacking } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const LAUNCHER = path.join(import.meta.dirname, '../../moose')
const run = promisify(execFile)

/** What `moose complete` prints for these words, without descriptions. */
async function candidates(environment: Record<string, string>, ...words: string[]): Promise<string[]> {
  const { stdout, stderr } = await moose(['complete', '--', ...words], { environment })
  assert.equal(stderr, '')
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => String(line.split('\t')[0]))
}

describe('what may be typed next, without a service', () => {
  const nowhere = { MOOSE_HOME: '/nonexistent/home' }
  const CASES: Record<string, [string[], string[]]> = {
    'a command': [['l'], ['list', 'ls', 'logs', ':4']],
    'a command behind a global option': [
      ['--json', 'comp'],
      ['completion', ':4'],
    ],
    'a part of a command': [
      ['budget', 're'],
      ['resume', 'reconcile', ':4'],
    ],
    'an option': [
      ['list', '--statu'],
      ['--status', ':4'],
    ],
    'a global option of every command': [
      ['budget', 'cap', '--js'],
      ['--json', ':4'],
    ],
    'the choices of an option': [
      ['list', '--status', 'c'],
      ['completed', 'cancelled', ':4'],
    ],
    'the choices of a short one': [
      ['add', '-r', 'h'],
      ['high', ':4'],
    ],
    'the choices of an argument': [
      ['completion', ''],
      ['bash', 'zsh', 'fish', ':4'],
    ],
    'files are left to the shell': [['add', '--from', ''], [':0']],
    'and folders': [['init', ''], [':0']],
    'an id, with no service': [['show', ''], [':4']],
    'nothing that is not there': [['frobnicate', 'x'], [':4']],
  }
  for (const [name, [words, expected]] of Object.entries(CASES))
    test(name, async () => assert.deepEqual(await candidates(nowhere, ...words), expected))
})

describe('what may be typed next, with a service up', () => {
  let home: MooseHome
  let service: ServiceProcess
  let id: string

  before(async () => {
    home = await createMooseHome({ 'README.md': '# Sample\n', 'src/a.js': '', 'src/$(touch planted)': '' }, [])
    id = await fileOrder(home.database, { title: 'Say\thello\u001b[31m $(touch /tmp/planted)', files: ['README.md'] })
    await home.database.db
      .insertInto('projects')
      .values({ name: '$(touch planted)', repository: '/nowhere', default_branch: 'main', forge: 'local' })
      .execute()
    service = await mooseUp(home.environment)
  })
  after(async () => {
    await service[Symbol.asyncDispose]()
    await home[Symbol.asyncDispose]()
  })

  /** On a busy machine the service may not answer in time; then nothing is offered, and TAB is pressed again. */
  async function offered(...words: string[]): Promise<string> {
    let said = ''
    await until('the service answers in time', async () => {
      said = (await moose(['complete', '--', ...words], { environment: home.environment })).stdout
      return said !== ':4\n' && said !== ':0\n'
    })
    return said
  }

  test('the ids of orders, with their titles', async () => {
    assert.equal(await offered('approve', ''), `${shortId(id)}\tSay hello\\u001b[31m $(touch /tmp/planted)\n:4\n`)
    assert.deepEqual(await candidates(home.environment, 'budget', 'settle', ''), [':4'])
  })

  test('files of the repository for --file, and those of the shell where the project is not known', async () => {
    const words = ['add', '-p', 'sample', '--file']
    assert.equal(await offered(...words, 'RE'), 'README.md\n:4\n')
    assert.match(await offered(...words, ''), /^src\/\n[^]*README\.md\n:6\n$/)
    assert.equal(await offered(...words, 'src/'), 'src/a.js\n:4\n')
    assert.deepEqual(await candidates(home.environment, 'add', '-p', 'nope', '--file', 'RE'), [':0'])
  })

  test('projects, but for a name that a shell would run', async () => {
    const said = await offered('list', '-p', '')
    assert.match(said, /^sample\t.*\n:4\n$/)
  })
})

/** Typed into a real shell on a terminal: TAB completes `com` and `ba`, and what then runs is what was completed. */
describe('in a shell', () => {
  let folder: string
  let env: Record<string, string>

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'moose-shell-'))
    await mkdir(path.join(folder, 'bin'))
    await symlink(LAUNCHER, path.join(folder, 'bin/moose'))
    const PATH = [path.join(folder, 'bin'), process.env['PATH']].join(path.delimiter)
    env = { HOME: folder, PATH, TERM: 'dumb', MOOSE_HOME: path.join(folder, 'home') }
    await writeFile(path.join(folder, '.bashrc'), 'PS1="> "; source <(moose completion bash)\n')
    await writeFile(path.join(folder, 'orders.yaml'), '')
    await mkdir(path.join(folder, '.zfunc'))
    await writeFile(path.join(folder, '.zshrc'), 'PS1="> "; fpath+=~/.zfunc; autoload -U compinit; compinit -u -D\n')
  })
  after(() => rm(folder, { recursive: true, force: true }))

  async function typed(shell: string, keys: string): Promise<string> {
    const running = run('script', ['-qec', `${shell} -i`, '/dev/null'], { env, cwd: folder, timeout: 60_000 })
    running.child.stdin?.end(`${keys}exit\n`)
    return (await running).stdout
  }
  const KEYS = 'moose com\tba\t | head -1\nmoose list --statu\tfai\t--he\t | head -1\n'
  const COMPLETED = /^type _get_comp_words_by_ref[^]*^Usage: moose list/m

  test('bash', { skip: lacking('script') }, async () => {
    assert.match(await typed('bash', KEYS), COMPLETED)
    assert.match(await typed('bash', 'moose add --from ord\t --help | head -1\n'), /--from orders\.yaml/)
  })

  test('zsh', { skip: lacking('script', 'zsh') }, async () => {
    const { stdout } = await run('sh', ['-c', 'moose completion zsh > .zfunc/_moose'], { env, cwd: folder })
    assert.equal(stdout, '')
    assert.match(await typed('zsh', KEYS), COMPLETED)
  })

  test('fish', { skip: lacking('fish') }, async () => {
    const ask = 'moose completion fish | source; complete -C "moose com"; complete -C "moose list --status c"'
    const { stdout } = await run('fish', ['-c', ask], { env, cwd: folder })
    assert.equal(stdout, 'completion\tthe completion script of a shell\ncancelled\ncompleted\n')
  })
})
