import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { FaultRecord } from '../../src/faults/fault.ts'

/** Whether runs of the real Aider are to be kept for the tests of the verdict. */
export const RECORDS = process.env['RECORD_AIDER'] === '1'
/** More than this says nothing that a shorter run does not say. */
const MOST_BYTES = 20_000
/** Source or manual of Aider itself. */
const NOT_OURS = /Traceback|usage: aider/

export const RECORDINGS = path.join(import.meta.dirname, '../fixtures/aider')

/** A run of the real Aider: everything its verdict is made of, and what came of it. */
export type RecordedRun = {
  name: string
  scope: readonly string[]
  exitCode: number | null
  timedOutAfterMs: number | null
  calls: readonly { fault: FaultRecord | null; costUsd: string | null }[]
  changed: readonly string[]
  trespassed: readonly string[]
  /** `applied`, or the code of the fault. */
  ending: string
  /** Of the fault; empty without one. */
  message: string
  /** What Aider printed, line by line. */
  output: readonly string[]
}

/** Keeps a run as a file named after it, unless it is too long or shows what is not ours. No place of this machine is kept. */
export async function keepRecording(run: RecordedRun): Promise<void> {
  const text = withoutPlaces(JSON.stringify(run, null, 2))
  if (text.length > MOST_BYTES || NOT_OURS.test(text)) return
  await mkdir(RECORDINGS, { recursive: true })
  const name = run.name.replaceAll(/\W+/g, '-').slice(0, 60).replace(/-$/, '')
  await writeFile(path.join(RECORDINGS, `${name.toLowerCase()}.json`), `${text}\n`)
}

function withoutPlaces(text: string): string {
  return text
    .replaceAll(tmpdir(), '/tmp')
    .replaceAll(/(moose-(?:remote|outside))-\w{6}/g, '$1')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:1')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '00000000-0000-4000-8000-000000000000')
}
