import type { FileChange } from '../../support/git-remote.ts'
import { createMooseHome, type MooseHome } from '../../support/moose-home.ts'
import { branchesOf, carryOut, FIDELITY_SETTINGS, type Lane, laneIn } from './lane.ts'

/** An order that must not come to a branch, and the end it has to have. */
type Control = {
  /** Its title. */
  name: string
  /** What it changes beside the files of all controls, before the order begins. */
  base?: Readonly<Record<string, string>>
  /** Its base where it moves after the answer was written. */
  moved?: Readonly<Record<string, string>>
  files: readonly string[]
  answer: string
  code: string
  /** A part of the reason. */
  says: RegExp
}

const FILES = {
  'a.txt': 'one\ntwo\nend\nthree\nend\n',
  'b.txt': 'b\n',
  'test/a.test.js': "require('node:test')('a', () => undefined)\n",
}
const edit = (path: string, search: string, replace: string) =>
  `### edit ${path}\n<<<<<<< SEARCH\n${search}\n=======\n${replace}\n>>>>>>> REPLACE\n`
const moose = (...checks: readonly string[]) => ({ 'moose.yaml': `checks:\n${checks.join('\n')}\n` })
const check = (name: string, run: string) => `  - { name: ${name}, run: ${JSON.stringify(run)} }`

const CONTROLS: readonly Control[] = [
  {
    name: 'A hunk that lacks lines',
    files: ['a.txt'],
    answer: '--- a/a.txt\n+++ b/a.txt\n@@ -1,5 +1,5 @@\n one\n-two\n+2\n',
    code: 'proposal_rejected',
    says: /fewer lines than its header says/,
  },
  {
    name: 'A hunk that is missing, which a check needs',
    base: moose(check('same', 'cmp a.txt b.txt')),
    moved: { 'b.txt': FILES['a.txt'] },
    files: ['a.txt', 'b.txt'],
    answer: edit('a.txt', 'two', '2'),
    code: 'check_failed',
    says: /Check "same"/,
  },
  {
    name: 'A file too many',
    files: ['a.txt'],
    answer: `${edit('a.txt', 'two', '2')}\n${edit('b.txt', 'b', 'B')}`,
    code: 'change_out_of_scope',
    says: /b\.txt/,
  },
  {
    name: 'An ambiguous SEARCH',
    files: ['a.txt'],
    answer: edit('a.txt', 'end', 'END'),
    code: 'proposal_rejected',
    says: /ambiguous: matches at lines 3, 5/,
  },
  {
    name: 'A base that has moved',
    moved: { 'a.txt': 'one\nzwei\nend\n' },
    files: ['a.txt'],
    answer: edit('a.txt', 'one\ntwo', 'one\n2'),
    code: 'proposal_rejected',
    says: /is not found/,
  },
  {
    name: 'A check that edits the tree for the next one',
    base: moose(check('edits', 'echo one > a.txt'), check('judges', 'head -n 1 a.txt | grep -qx one')),
    files: ['a.txt'],
    answer: edit('a.txt', 'one', 'uno'),
    code: 'check_failed',
    says: /Check "judges"/,
  },
  {
    name: 'A check that runs no test',
    base: moose(check('tests', 'node --test')),
    files: ['test/a.test.js'],
    answer: '### delete test/a.test.js\n',
    code: 'check_failed',
    says: /Check "tests" \(node --test\) ran no test\. On the base it ran 1\./,
  },
]

/** How a control ended; `problem`: null where it ended as it has to. */
export type Controlled = { name: string; problem: string | null }

/** A home for the controls, with further files on its first commit; its service is to be started. */
export async function openControls(
  files: Readonly<Record<string, FileChange>> = {},
): Promise<{ home: MooseHome; lane: Lane } & AsyncDisposable> {
  const home = await createMooseHome({ ...FILES, ...files }, [], { ...FIDELITY_SETTINGS, MOOSE_REPAIR_MAX: '0' })
  const lane = await laneIn(home, home.remote.path, 0)
  return { home, lane, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() }
}

/** Carries out the controls, one after the other. */
export async function runControls(lane: Lane): Promise<Controlled[]> {
  const ended: Controlled[] = []
  for (const control of CONTROLS) ended.push({ name: control.name, problem: await problemOf(lane, control) })
  return ended
}

async function problemOf(lane: Lane, { name, base = {}, moved = {}, files, answer, code, says }: Control) {
  const branch = `control-${name.toLowerCase().replaceAll(/[^a-z]+/g, '-')}`
  const baseSha = await lane.home.remote.commit(branch, { ...base, ...moved })
  // A second answer is asked for where the first one does not apply.
  const { id, fault } = await carryOut(lane, { title: name, files, baseSha, answers: [answer, answer] })
  if (fault === null) return 'is in review'
  if (fault.code !== code || !says.test(fault.message)) return `ended in ${fault.code}: ${fault.message}`
  const branches = await branchesOf(lane, id)
  return branches.length === 0 ? null : `left ${branches.join(', ')}`
}
