import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { Fault } from '../faults/fault.ts'
import { describeIssues } from '../faults/schema-problems.ts'
import type { RawAnswer } from './model-answer.ts'

const RecordedAnswer = z
  .strictObject({
    /** Title of the work order. */
    task: z.string().min(1),
    turn: z.int().positive(),
    text: z.string().optional(),
    /** A file with the text, relative to the recording. */
    text_file: z.string().min(1).optional(),
    usage: z.strictObject({ input: z.int().nonnegative(), output: z.int().nonnegative() }),
    finish_reason: z.enum(['stop', 'length', 'content-filter']).optional(),
    /** How long the answer takes. */
    delay_ms: z.int().min(0).max(600_000).optional(),
  })
  .refine((answer) => (answer.text === undefined) !== (answer.text_file === undefined), 'needs text or text_file')

/** One file of recorded answers, for one proposer. */
const Recording = z.strictObject({
  /** A name of `proposer_configs`. */
  proposer: z.string().min(1),
  /** Where the answers come from; for people who read the file. */
  note: z.string().min(1),
  answers: z.array(RecordedAnswer),
})

export type Replay = RawAnswer & { delayMs: number }

/**
 * The recorded answer to a turn of a task. The folder is read anew each time: it is small and may change.
 *
 * @throws {Fault} `recording_missing` naming task and turn, `config_invalid` naming the file that cannot be read
 */
export async function findRecording(
  replayDir: string,
  { proposer, task, turn }: { proposer: string; task: string; turn: number },
): Promise<Replay> {
  const names = (await readdir(replayDir)).filter((name) => name.endsWith('.json')).sort()
  for (const name of names) {
    const file = path.join(replayDir, name)
    const recording = await readRecording(file)
    if (recording.proposer !== proposer) continue
    const answer = recording.answers.find((candidate) => candidate.task === task && candidate.turn === turn)
    if (answer !== undefined) return toReplay(file, answer)
  }
  const message =
    `No recording answers turn ${turn} of "${task}" as ${proposer}. ` +
    `Add it to a file in ${replayDir}, or route the order to a live model.`
  throw new Fault('recording_missing', message, { proposer, task, turn })
}

async function readRecording(file: string): Promise<z.infer<typeof Recording>> {
  const parsed = Recording.safeParse(parseJson(file, await readFile(file, 'utf8')))
  if (parsed.success) return parsed.data
  const problems = describeIssues(parsed.error, { between: ': ' })
  throw new Fault('config_invalid', `The recording ${file} is malformed: ${problems}.`, { file })
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Fault('config_invalid', `The recording ${file} is not JSON: ${String(error)}.`, { file }, error)
  }
}

async function toReplay(file: string, answer: z.infer<typeof RecordedAnswer>): Promise<Replay> {
  const { usage, finish_reason: stated, delay_ms: delayMs } = answer
  const finishReason = stated === undefined ? 'stop' : stated
  return {
    text: await textOf(file, answer),
    finishReason,
    rawFinishReason: finishReason,
    usage: { input: usage.input, output: usage.output, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
    statedCost: null,
    delayMs: delayMs === undefined ? 0 : delayMs,
  }
}

async function textOf(file: string, answer: z.infer<typeof RecordedAnswer>): Promise<string> {
  if (answer.text !== undefined) return answer.text
  const textFile = path.resolve(path.dirname(file), String(answer.text_file))
  try {
    return await readFile(textFile, 'utf8')
  } catch (error) {
    throw new Fault('config_invalid', `The recording ${file} names ${textFile}, which cannot be read.`, { file }, error)
  }
}
