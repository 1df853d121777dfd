import { createRoute, z } from '@hono/zod-openapi'
import { stringify } from 'csv-stringify/sync'
import {
  NUMBERS_TABLES,
  NumbersCsvQuery,
  NumbersParams,
  NumbersQuery,
  NumbersResponse,
} from '../../contract/numbers.ts'
import { ANY_FAULT, json, NO_SUCH_PROJECT, QUERY_FAULT } from '../answers.ts'
import { newRoutes } from '../new-routes.ts'
import { readNumbers } from '../numbers/read-numbers.ts'

const tags = ['Numbers']

const read = createRoute({
  method: 'get',
  path: '/api/numbers',
  operationId: 'getNumbers',
  summary: 'What was spent in a range of days, and what came of it',
  description:
    'Money is that of the ledger, to the last digit, as decimals in text. Days are those of `tz`; caps are compared with days and ' +
    'months in UTC. Orders that were deleted are in the money alone.',
  tags,
  request: { query: NumbersQuery },
  responses: { 200: json(NumbersResponse, 'As of one moment'), ...QUERY_FAULT, ...NO_SUCH_PROJECT, ...ANY_FAULT },
})

const table = createRoute({
  method: 'get',
  path: '/api/numbers/{table}',
  operationId: 'getNumbersTable',
  summary: 'One table of the numbers as CSV',
  description:
    'As RFC 4180 has it, in UTF-8; the columns are the fields of `GET /api/numbers`, and null is an empty cell. Text that begins as a ' +
    "formula does (`=`, `+`, `-`, `@`, a tab) has a `'` before it, so that a spreadsheet shows it and does not carry it out.",
  tags,
  request: { params: NumbersParams, query: NumbersCsvQuery },
  responses: {
    200: { description: 'The table', content: { 'text/csv': { schema: z.string() } } },
    ...QUERY_FAULT,
    404: NO_SUCH_PROJECT[404],
    ...ANY_FAULT,
  },
})

const AS_CSV = { header: true, escape_formulas: true, record_delimiter: 'windows', cast: { boolean: String } } as const

export const numbersRoutes = newRoutes()
  .openapi(read, async (c) => {
    const numbers = await readNumbers(c.var.deps.db, c.req.valid('query'))
    return c.json({ success: true as const, numbers }, 200)
  })
  .openapi(table, async (c) => {
    const { table: name } = c.req.valid('param')
    const numbers = await readNumbers(c.var.deps.db, c.req.valid('query'))
    const columns = Object.keys(NUMBERS_TABLES[name].shape)
    const text = stringify(numbers[name], { ...AS_CSV, columns })
    return c.text(text, 200, {
      'Content-Type': 'text/csv; charset=utf-8',
      'Content-Disposition': `attachment; filename="moose-${name}-${numbers.from}-${numbers.to}.csv"`,
    })
  })
