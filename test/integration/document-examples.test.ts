import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import type { Command } from 'commander'
import { parseAllDocuments, stringify } from 'yaml'
import { z } from 'zod'
import { parseMooseYaml } from '../../src/checks/moose-yaml.ts'
import { createOutput } from '../../src/cli/pages/output.ts'
import { buildProgram, faultOfRun } from '../../src/cli/program.ts'
import { knownKeys } from '../../src/contract/moose-yaml.ts'
import { checkOrderToRun } from '../../src/contract/order-file/check-order.ts'
import { createTestDatabase } from '../support/database.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const DOCUMENTS = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT })]

type Block = { at: string; language: string; text: string }

const BLOCKS: readonly Block[] = DOCUMENTS.flatMap((document) => {
  const text = readFileSync(path.join(ROOT, document), 'utf8')
  return [...text.matchAll(/^```([a-z]+)\n(.*?)^```$/gms)].map((match) => ({
    at: `${document}:${text.slice(0, match.index).split('\n').length}`,
    language: String(match[1]),
    text: String(match[2]),
  }))
})
const blocksOf = (...languages: readonly string[]) => BLOCKS.filter(({ language }) => languages.includes(language))

/** What only configurations of other programs hold: Prometheus. */
const FOREIGN = ['scrape_configs']

test('every YAML of the documents is a work order that can be run, or what moose.yaml may hold', () => {
  const kinds = blocksOf('yaml').flatMap(({ at, text }) =>
    parseAllDocuments(text).map((document) => kindOf(at, z.record(z.string(), z.unknown()).parse(document.toJS()))),
  )
  assert.deepEqual(new Set(kinds), new Set(['order', 'file', 'check', 'foreign']))
})

function kindOf(at: string, content: Record<string, unknown>): 'order' | 'file' | 'check' | 'foreign' {
  if (FOREIGN.some((key) => key in content)) return 'foreign'
  if ('title' in content) {
    assert.deepEqual(checkOrderToRun(content).problems, [], at)
    return 'order'
  }
  const isFile = Object.keys(content).some((key) => knownKeys([]).includes(key))
  const file = isFile ? content : { checks: [{ name: 'tests', run: 'npm test', ...content }] }
  assert.doesNotThrow(() => parseMooseYaml(stringify(file)), at)
  return isFile ? 'file' : 'check'
}

test('every command of the documents is one there is, with options and arguments it takes', async () => {
  const commands = blocksOf('sh', 'bash', 'console').flatMap(({ at, text }) =>
    commandsIn(text).map((words) => ({ at, words })),
  )
  assert.ok(commands.length > 60, `${commands.length}`)
  const refused = await Promise.all(commands.map(async ({ at, words }) => `${at}: ${await whyRefused(words)}`))
  assert.deepEqual(
    refused.filter((line) => !line.endsWith(': null')),
    [],
  )
})

test('a command, an option or an argument there is not is found out', async () => {
  const [typing, option, missing, none] = commandsIn(
    'moose lst\n./moose add --titel "a b" # c\nX=1 moose logs && echo\n',
  )
  assert.deepEqual([option, none], [['add', '--titel', 'a b'], undefined])
  assert.match(String(await whyRefused(typing ?? [])), /unknown command 'lst'/)
  assert.match(String(await whyRefused(option ?? [])), /unknown option '--titel'/)
  assert.match(String(await whyRefused(missing ?? [])), /missing required argument 'id'/)
})

/** The words behind each `moose` of a shell's lines, as the shell splits them. */
function commandsIn(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('> '))
    .map((line) => wordsOf(line.replace(/^\$ /, '')))
    .flatMap((words) => {
      const program = words.findIndex((word) => !/^[A-Z_]+=/.test(word))
      if (!/^(?:\.\/)?moose$/.test(String(words[program]))) return []
      const rest = words.slice(program + 1)
      const end = rest.findIndex((word) => /^(?:#.*|&&|\||;|>)$/.test(word))
      return [end === -1 ? rest : rest.slice(0, end)]
    })
}

function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'),
  )
}

/** Parses a command line without carrying it out. Null: it is as it should be. */
async function whyRefused(words: readonly string[]): Promise<string | null> {
  const nowhere = new PassThrough()
  const output = createOutput({ stdout: nowhere, stderr: nowhere }, { json: false, color: false, invocation: 'moose' })
  const program = await buildProgram({ output, environment: {}, cwd: '/', readStdin: async () => '' }, words)
  idle(program)
  try {
    await program.parseAsync(words, { from: 'user' })
    return null
  } catch (thrown) {
    const fault = faultOfRun(thrown)
    return fault === null ? null : `${words.join(' ')}: ${fault.message}`
  }
}

/** The group that does something without one of its commands: it would open the home of whoever runs the tests. */
const ACTS_ITSELF = 'budget'

function idle(command: Command): void {
  for (const part of command.commands) {
    if (part.commands.length === 0 || part.name() === ACTS_ITSELF) part.action(() => undefined)
    idle(part)
  }
}

test('every SQL of the documents is carried out by a fresh database', async () => {
  await using database = await createTestDatabase()
  // What Supabase has besides.
  await database.pool.query('create schema auth; create table auth.users (email text, raw_app_meta_data jsonb)')
  const blocks = blocksOf('sql')
  assert.ok(blocks.length >= 4)
  for (const { at, text } of blocks) {
    const statements = text.replaceAll("id = '…'", "id = '00000000-0000-0000-0000-000000000000'")
    await assert.doesNotReject(() => database.pool.query(`begin; ${statements}; rollback`), at)
  }
})
