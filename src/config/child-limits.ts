import { availableParallelism, totalmem } from 'node:os'
import type { z } from 'zod'
import { wholeNumber } from './setting-forms.ts'

const MEGABYTE = 1024 * 1024
const LEAST_MEMORY_MB = 16
const MOST_MEMORY_MB = 1024 ** 3
/** A build on every processor for as long as a check may take at most. */
const CPU_SECONDS_OF_PROCESSOR = 3_600

/** What a set-up, a check or Aider may use, with all that it starts. */
export const CHILD_LIMITS = {
  MOOSE_CHILD_MEMORY_MB: wholeNumber(LEAST_MEMORY_MB, MOST_MEMORY_MB)
    .prefault(() => String(halfOfMemoryMb()))
    .meta({
      description: 'Memory of a set-up, a check or a run of Aider, [all its processes together](sandbox.md#limits)',
      unset: 'half of the memory of the machine',
    }),
  MOOSE_CHILD_PROCESSES: wholeNumber(8, 4_194_304)
    .default(4_096)
    .meta({ description: 'Processes and threads of one at once' }),
  MOOSE_CHILD_OPEN_FILES: wholeNumber(16, 1_048_576)
    .default(65_536)
    .meta({ description: 'Open files of each of its processes' }),
  MOOSE_CHILD_FILE_MB: wholeNumber(1, 1024 ** 3)
    .default(4_096)
    .meta({ description: 'The largest file that it may write' }),
  MOOSE_CHILD_CPU_SECONDS: wholeNumber(1, 1_000_000_000)
    .prefault(() => String(CPU_SECONDS_OF_PROCESSOR * availableParallelism()))
    .meta({
      description: 'Processor time of one, all its processes together',
      unset: '3600 for each processor',
    }),
}

/** A container may have less than its machine has. */
function halfOfMemoryMb(): number {
  const constrained = process.constrainedMemory()
  const total = constrained > 0 ? Math.min(totalmem(), constrained) : totalmem()
  return Math.max(LEAST_MEMORY_MB, Math.floor(total / 2 / MEGABYTE))
}

type Settings = { [Name in keyof typeof CHILD_LIMITS]: z.infer<(typeof CHILD_LIMITS)[Name]> }

export function toChildLimits(env: Settings) {
  return {
    /** All processes together. */
    memoryBytes: env.MOOSE_CHILD_MEMORY_MB * MEGABYTE,
    /** Processes and threads at once. */
    processes: env.MOOSE_CHILD_PROCESSES,
    /** Of each process. */
    openFiles: env.MOOSE_CHILD_OPEN_FILES,
    /** Of each file. */
    fileBytes: env.MOOSE_CHILD_FILE_MB * MEGABYTE,
    /** All processes together. */
    cpuSeconds: env.MOOSE_CHILD_CPU_SECONDS,
  }
}
