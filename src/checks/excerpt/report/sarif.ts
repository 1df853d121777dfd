import { z } from 'zod'
import { jsonOrNull } from '../../../json-or-null.ts'
import { type Block, key, type ReportedFailures } from '../failure-format.ts'
import { KnownFailures, ReportedBlocks } from '../kept-failures.ts'

const Sarif = z.object({ runs: z.array(z.object({ results: z.array(z.unknown()).nullish() })) })

const Result = z.object({
  ruleId: z.string().optional(),
  kind: z.string().optional(),
  level: z.string().default('warning'),
  message: z.object({ text: z.string().optional(), markdown: z.string().optional() }),
  locations: z
    .array(
      z.object({
        physicalLocation: z
          .object({
            artifactLocation: z.object({ uri: z.string().optional() }).optional(),
            region: z.object({ startLine: z.number().optional(), startColumn: z.number().optional() }).optional(),
          })
          .optional(),
      }),
    )
    .optional(),
  suppressions: z.array(z.unknown()).nullish(),
})
type Result = z.infer<typeof Result>

const MOST_LOOKED_AT = 5_000

/** What a report in the form of SARIF 2.1 calls an error; its warnings where it has none. @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/ */
export function sarifFailures(json: string, before = new KnownFailures([])): ReportedFailures {
  const parsed = Sarif.safeParse(jsonOrNull(json))
  if (!parsed.success) return { blocks: [], names: null, problem: 'it is no SARIF' }
  const given = parsed.data.runs.flatMap(({ results }) => (results ? results : []))
  const read = given.slice(0, MOST_LOOKED_AT).flatMap((result) => {
    const { data } = Result.safeParse(result)
    return data === undefined ? [] : [data]
  })
  const results = read.filter(isTold)
  const errors = results.filter(({ level }) => level === 'error')
  const told = errors.length > 0 ? errors : results.filter(({ level }) => level === 'warning')
  const blocks = new ReportedBlocks(before)
  const names: string[] = []
  for (const block of told.map(blockOf)) {
    blocks.push(block)
    names.push(...block.flatMap(({ called }) => (called === undefined ? [] : called.slice(0, 1))))
  }
  return { blocks: blocks.kept, names: read.length < given.length ? null : names, problem: null }
}

function isTold({ kind, suppressions }: Result): boolean {
  const isSuppressed = suppressions !== null && suppressions !== undefined && suppressions.length > 0
  return !isSuppressed && (kind === undefined || kind === 'fail')
}

function blockOf({ ruleId, level, message: { text, markdown }, locations }: Result): Block {
  const place = locations?.[0]?.physicalLocation
  const uri = place?.artifactLocation?.uri
  const at = [uri, place?.region?.startLine, place?.region?.startColumn].filter((part) => part !== undefined).join(':')
  const said = text === undefined ? String(markdown) : text
  const rule = ruleId === undefined ? '' : ` (${ruleId})`
  const [first = '', ...more] = `${at === '' ? '' : `${at}: `}${level}: ${said}${rule}`.split('\n')
  const called = [`sarif: ${uri}:${place?.region?.startLine}: ${level}: ${said.split('\n')[0]}${rule}`]
  return [{ ...key(first), called }, ...more.slice(0, MOST_OF_MESSAGE).map(key)]
}

const MOST_OF_MESSAGE = 10
