/**
 * Runs the suites of `test/support/failing-suites/` with the real tools and writes what they print to
 * `test/fixtures/failing-suites/`, with the places of this machine renamed:
 *
 *     node scripts/record-failing-suites.ts FOLDER [PART-OF-A-NAME]
 *
 * FOLDER, which is kept, gets the tools from their registries. Go, Cargo, Maven, a JDK and Python 3 have to be there.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { runCommand } from '../src/process/run-command.ts'
import { plainText } from '../src/redaction/plain-text.ts'
import { FAILING_SUITES } from '../test/support/failing-suites/all-suites.ts'
import type { FailingSuite } from '../test/support/failing-suites/failing-suite.ts'

const RECORDINGS = path.join(import.meta.dirname, '../test/fixtures/failing-suites')
const NODE_TOOLS = ['jest@30.5.2', 'vitest@5.1.2', '@vitest/coverage-v8@5.1.2', 'eslint@10.15.0', 'typescript@7.0.2']
const PYTHON_TOOLS = ['pytest==9.2.0', 'pytest-cov==7.1.0', 'pytest-timeout==2.4.0']
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

const [folder, wanted = ''] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: node scripts/record-failing-suites.ts FOLDER [PART-OF-A-NAME]')
const tools = path.resolve(folder)
const PROGRAMS = [
  path.join(import.meta.dirname, '../node_modules/node/bin'),
  path.join(tools, 'node_modules/.bin'),
  path.join(tools, 'venv/bin'),
  process.env['PATH'],
]
const inherited = Object.fromEntries(
  Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
)

type Ran = { exitCode: number | null; output: string }

/** @param env without it that of this process: a package manager's own settings stand there */
async function sh(script: string, cwd: string, env: Record<string, string> = inherited): Promise<Ran> {
  const parts: string[] = []
  const result = await runCommand({
    command: '/bin/sh',
    args: ['-c', `exec 2>&1; ${script}`],
    cwd,
    env: { ...env, LANG: 'C.UTF-8', PATH: PROGRAMS.join(':') },
    timeoutMs: 600_000,
    maxOutputBytes: MAX_OUTPUT_BYTES,
    signal: null,
    onOutput: (text) => parts.push(text),
  })
  return { exitCode: result.exitCode, output: parts.join('') }
}

async function install(): Promise<void> {
  mkdirSync(tools, { recursive: true })
  if (!existsSync(path.join(tools, 'node_modules/.bin/jest'))) {
    writeFileSync(path.join(tools, 'package.json'), '{}')
    await mustPass(`npm install --no-audit --no-fund --save-exact ${NODE_TOOLS.join(' ')}`)
  }
  if (!existsSync(path.join(tools, 'venv/bin/pytest')))
    await mustPass(`python3 -m venv venv && venv/bin/pip install ${PYTHON_TOOLS.join(' ')}`)
}

async function mustPass(script: string): Promise<void> {
  const { exitCode, output } = await sh(script, tools)
  if (exitCode !== 0) throw new Error(`${script}: ${output}`)
}

async function record({ name, files, run, told }: FailingSuite): Promise<void> {
  const place = path.join(tools, 'suites', name)
  rmSync(place, { recursive: true, force: true })
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(place, file)), { recursive: true })
    writeFileSync(path.join(place, file), text)
  }
  // What Maven has to download it downloads, and prints, once.
  if (name.startsWith('maven/')) await sh(run.replace(' -o', ''), place)
  const { exitCode, output } = await sh(run, place, { HOME: homedir() })
  if (exitCode === 0) throw new Error(`${name} passed`)
  const recording = path.join(RECORDINGS, `${name}.txt`)
  mkdirSync(path.dirname(recording), { recursive: true })
  const text = output.replaceAll(place, '/tree').replaceAll(tools, '/home/user').replaceAll(homedir(), '/home/user')
  writeFileSync(recording, text)
  const missing = told.filter((line) => !plainText(text).includes(line))
  const note = missing.length === 0 ? '' : ` WITHOUT ${missing.map((line) => JSON.stringify(line)).join(', ')}`
  process.stdout.write(`${name}: exit code ${exitCode}, ${text.length} characters${note}\n`)
}

await install()
for (const suite of FAILING_SUITES) if (suite.name.includes(wanted)) await record(suite)
