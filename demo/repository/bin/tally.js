#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readInvoice } from '../src/invoice.js'
import { parseLines } from '../src/lines-csv.js'
import { renderInvoice } from '../src/report.js'

const USAGE = 'usage: tally INVOICE.json [--lines LINES.csv]'

function main() {
  const args = readArguments()
  if (args === null) {
    console.error(USAGE)
    return 2
  }
  try {
    const data = JSON.parse(readFileSync(args.file, 'utf8'))
    if (args.lines !== undefined) data.lines = parseLines(readFileSync(args.lines, 'utf8'))
    process.stdout.write(renderInvoice(readInvoice(data)))
    return 0
  } catch (error) {
    console.error(`tally: ${error.message}`)
    return 1
  }
}

/** The file and the options; null for a command line that is not understood. */
function readArguments() {
  try {
    const { values, positionals } = parseArgs({ options: { lines: { type: 'string' } }, allowPositionals: true })
    return positionals.length === 1 ? { file: positionals[0], ...values } : null
  } catch {
    return null
  }
}

process.exitCode = main()
