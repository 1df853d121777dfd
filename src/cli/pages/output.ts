import { WriteStream } from 'node:tty'
import { inspect } from 'node:util'
import pc from 'picocolors'
import type { Fault } from '../../faults/fault.ts'
import { asInvoked } from './invocation.ts'
import { NO_SPINNER, type Spinner, startSpinner } from './spinner.ts'
import { harmlessButColours, harmlessJson, harmlessLines, messageLines } from './terminal-text.ts'

export type Paint = ReturnType<typeof pc.createColors>

type Streams = { stdout: NodeJS.WritableStream; stderr: NodeJS.WritableStream }

/** Everything the CLI prints goes through here. Results on stdout, everything else on stderr. */
export type Output = {
  /** One JSON document, or JSON lines for streams, and nothing else. */
  readonly json: boolean
  /** Colours of stdout; plain functions where there are none. */
  readonly paint: Paint
  /** Width of the terminal; null when stdout is none or does not know it. */
  readonly columns: number | null
  /** Words of ours with `moose …` in them as it has to be typed here; notes, help and faults are put so already. */
  hint(text: string): string
  /** A result for people. */
  line(text: string): void
  /**
   * A result for people and programs alike, to the byte where stdout is no terminal.
   *
   * @param read how it is put for people, on a terminal
   */
  verbatim(text: string, read?: (text: string) => string): void
  /** Text of our own that was asked for whatever the mode: help, version. */
  own(text: string): void
  /** A result for programs; one line of JSON. */
  document(value: unknown): void
  /** A word to people beside the result: a hint, a progress. */
  note(text: string): void
  fault(fault: Fault, stack: boolean): void
  /** A sign of life while something takes long; only on a terminal. */
  spinner(text: string): Spinner
}

/** @param options what `--json` and `--no-color` said, and how Moose was started */
export function createOutput(streams: Streams, options: { json: boolean; color: boolean; invocation: string }): Output {
  const { stdout, stderr } = streams
  const paint = pc.createColors(options.color && hasColors(stdout))
  const errorPaint = pc.createColors(options.color && hasColors(stderr))
  const hint = (text: string) => asInvoked(text, options.invocation)
  let spinner = NO_SPINNER
  const write = (stream: NodeJS.WritableStream, text: string) => {
    spinner.hide()
    stream.write(text)
  }
  const people = (stream: NodeJS.WritableStream, text: string) => {
    if (!options.json) write(stream, `${harmlessButColours(text)}\n`)
  }
  return {
    json: options.json,
    paint,
    columns: stdout instanceof WriteStream && stdout.columns > 0 ? stdout.columns : null,
    hint,
    line: (text) => people(stdout, text),
    verbatim: (text, read = (whole) => whole) =>
      write(stdout, stdout instanceof WriteStream ? harmlessLines(read(text)) : text),
    own: (text) => write(stdout, hint(text)),
    document: (value) => {
      if (options.json) write(stdout, `${harmlessJson(value)}\n`)
    },
    note: (text) => people(stderr, hint(text)),
    fault: (fault, stack) => {
      if (options.json) write(stdout, `${harmlessJson({ success: false, error: fault.toRecord() })}\n`)
      else write(stderr, `${errorPaint.red('error:')} ${faultText(fault, hint)}\n`)
      if (stack) write(stderr, `${harmlessLines(inspect(fault))}\n`)
    },
    spinner: (text) => {
      if (options.json || !(stderr instanceof WriteStream)) return NO_SPINNER
      spinner = startSpinner(stderr, text)
      return spinner
    },
  }
}

/** A list of problems is of our own making and indented; what it quotes is one line each. */
function faultText({ message, details }: Fault, hint: Output['hint']): string {
  if (!('problems' in details)) return messageLines(hint(message), details)
  const [first, ...rest] = harmlessLines(hint(message)).split('\n')
  return [first, ...rest.map((line) => (line.startsWith('  ') ? line : `  ${line}`))].join('\n')
}

/** A terminal with colours; `NO_COLOR`, `FORCE_COLOR` and `TERM` are looked at by Node itself. */
function hasColors(stream: NodeJS.WritableStream): boolean {
  return stream instanceof WriteStream && stream.hasColors()
}
