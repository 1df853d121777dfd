import path from 'node:path'
import { parseArgs } from 'node:util'
import { ANSWER_FORMS, type AnswerForm } from '../../../src/contract/proposers.ts'
import { applyEdits } from '../../../src/edits/apply-edits.ts'
import { EDIT_TOOLS_BYTES } from '../../../src/edits/edit-tools.ts'
import { parseEdits } from '../../../src/edits/parse-edits.ts'
import { Fault } from '../../../src/faults/fault.ts'
import { buildPrompt } from '../../../src/proposer/prompt.ts'
import { whole } from '../numbers.ts'
import { report } from '../report.ts'
import { answersOf } from './answers.ts'
import { type ChangedFile, changesOf } from './changes.ts'

const CHARACTERS_PER_TOKEN = 4
const COMMITS = 100

/** What the forms of an answer cost in tokens for the same changes: the newest commits of a repository. */
export async function benchForms(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { commits: { type: 'string' }, repository: { type: 'string' } },
  })
  const repository = values.repository ?? path.join(import.meta.dirname, '../../..')
  const commits = whole('commits', values.commits ?? String(COMMITS))
  const changes = changesOf(repository, commits)
  const answers = changes.map(answersOf)
  const applied = { blocks: 0, diff: 0, tools: 0 }
  for (const [index, files] of changes.entries()) {
    for (const form of ['blocks', 'diff'] as const)
      if (await isMadeBy(String(answers[index]?.[form]), files)) applied[form] += 1
  }
  // Calls are read by way of blocks.
  applied.tools = applied.blocks
  const told = (form: AnswerForm) => tokens(promptOf(form).length + (form === 'tools' ? EDIT_TOOLS_BYTES : 0))
  const said = (form: AnswerForm) =>
    answers.reduce((sum, answer) => sum + tokens(answer[form].length), 0) / answers.length
  report({
    bench: 'forms',
    settings: { commits: changes.length },
    figures: ANSWER_FORMS.flatMap((form) => [
      { what: `${form}: what is told of the form`, value: told(form), unit: 'tokens' },
      { what: `${form}: an answer`, value: said(form), unit: 'tokens' },
      { what: `${form}: an answer / blocks`, value: said(form) / said('blocks'), unit: '×' },
      { what: `${form}: answers that make the commit`, value: applied[form], unit: `of ${changes.length}` },
    ]),
    notes: [
      'Written by a program that makes no mistake: what is compared is length, not how well a model keeps to a form. A token is four characters; of calls the JSON of their arguments counts, with its escapes.',
      'Blocks and calls have as few lines around a change as make it unique, the diff has three, as git writes it.',
    ],
    samples: { answers },
  })
}

const tokens = (characters: number) => Math.ceil(characters / CHARACTERS_PER_TOKEN)

/** What a model is told first, without anything of an order. */
function promptOf(form: AnswerForm): string {
  const request = {
    task_description: '',
    context: [],
    security_context: 'low',
    expected_output_type: 'code',
    priority: 'medium',
    metadata: {},
  } as const
  const [system] = buildPrompt(
    { ...request, context: [] },
    { files: [], context: [], paths: [] },
    { form, previousFailure: null },
  )
  return String(system?.content)
}

async function isMadeBy(answer: string, files: readonly ChangedFile[]): Promise<boolean> {
  const scope = files.map((file) => file.path)
  const before = new Map(files.map((file) => [file.path, file.before]))
  const read = async (name: string) => {
    const text = before.get(name) ?? null
    return text === null ? null : Buffer.from(text)
  }
  try {
    const changed = await applyEdits(parseEdits(answer, scope), { read, scope })
    const now = new Map(changed.map(({ path: name, content }) => [name, content === null ? null : content.toString()]))
    return files.every((file) => now.get(file.path) === file.after)
  } catch (error) {
    if (error instanceof Fault) return false
    throw error
  }
}
