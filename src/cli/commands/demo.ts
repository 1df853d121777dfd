import path from 'node:path'
import { Command } from 'commander'
import { type Config, RECORDINGS } from '../../config.ts'
import { type DemoPlaces, demoPlaces } from '../../demo/places.ts'
import { REPLAY_NOTE } from '../../demo/replay.ts'
import { createLogFor } from '../../log.ts'
import { openInBrowser } from '../../process/open-in-browser.ts'
import type { Cli } from '../cli.ts'
import { readDemoOrders } from '../demo/orders.ts'
import { demoProgress, printDemo } from '../demo/print.ts'
import { type DemoReport, demoReport, quoted } from '../demo/report.ts'
import { runDemo } from '../demo/run.ts'
import { type Interruption, listenForInterruption } from '../interruption.ts'
import { LINK_COUNTS_ONCE, loginLink } from './service/open.ts'
import { PORT_HELP, portNumber, serve } from './up.ts'

export function demoCommand(cli: Cli): Command {
  return new Command('demo')
    .description(
      'Makes a small repository and carries out work orders of different kinds in it, with scripted answers: no ' +
        'account, no key, no network, no cost. Everything is kept below <home>/demo and replaced by the next demo.',
    )
    .option(
      '--open',
      'then serve its orders in Mission Control, opened in the browser where there is one, until Ctrl-C',
    )
    .option('--port <number>', `with --open: ${PORT_HELP}`, portNumber, 0)
    .addHelpText('after', '\nExamples:\n  $ moose demo\n  $ moose demo --open')
    .action(async ({ open, port }: { open?: true; port: number }) => {
      const isWhole = await demoToTheEnd(cli)
      if (open === true && isWhole) await showDemo(cli, port)
    })
}

/** @returns false when it was interrupted */
async function demoToTheEnd(cli: Cli): Promise<boolean> {
  using interruption = listenForInterruption(() => cli.output.note('Ending the demo …'))
  const report = await demo(cli, interruption.signal)
  if (report === null) {
    sayInterrupted(cli, interruption)
    return false
  }
  cli.output.document(report)
  printDemo(cli.output, report)
  if (!report.success) process.exitCode = 1
  return true
}

/** Serves the home of the demo as `moose up --start` does, and shows the page in a browser that is logged in. */
async function showDemo(cli: Cli, port: number): Promise<void> {
  const { output } = cli
  const around = cli.config()
  const config = demoConfig(around, demoPlaces(around.home))
  output.line('')
  await serve(cli, config, { role: 'service', start: true, port }, async (served) => {
    const { url, expires_at: until } = await loginLink({ url: served }, config, {})
    output.document({ type: 'page', url, expires_at: until })
    output.line(`\n  ${output.paint.bold('Mission Control')}  ${output.paint.cyan(url)}\n`)
    const isShown = await openInBrowser(url, cli.environment)
    output.note(isShown ? 'It is opened in your browser.' : `Open it in a browser. ${LINK_COUNTS_ONCE}`)
    output.note(`Another link: moose --home ${quoted(config.home)} open`)
  })
}

/** @returns null when it was interrupted; nothing runs any more then either */
async function demo(cli: Cli, signal: AbortSignal): Promise<DemoReport | null> {
  try {
    return await wholeDemo(cli, signal)
  } catch (error) {
    if (signal.aborted) return null
    throw error
  }
}

async function wholeDemo(cli: Cli, signal: AbortSignal): Promise<DemoReport> {
  const startedAt = performance.now()
  // Loaded only now, as the app is: other commands start without the database driver and git.
  const { claimPlaces, makeRepository } = await import('../../demo/prepare.ts')
  const config = cli.config()
  const log = createLogFor(config)
  const places = demoPlaces(config.home)
  const orders = await readDemoOrders()
  cli.output.note(`Moose demo (${REPLAY_NOTE})`)
  await using stack = new AsyncDisposableStack()
  {
    using _waiting = cli.output.spinner('starting the database')
    stack.use(await claimPlaces(places, config.home, log))
    await makeRepository(places, signal)
  }
  cli.output.note(`A repository with its own tests: ${places.checkout}, pushed to ${places.remote}\n`)
  const { openMoose } = await import('../../app.ts')
  const moose = stack.use(await openMoose(demoConfig(config, places), { log, role: 'service' }))
  const results = await runDemo(moose, places, orders, { signal, ...demoProgress(cli.output) })
  const durationMs = Math.round(performance.now() - startedAt)
  const report = demoReport(places, results, { port: config.port, durationMs })
  return { ...report, look_further: report.look_further.map(cli.output.hint) }
}

/** The user's settings with everything outside left out: their database, keys and token, a foreign Manager or Proposer, Aider. */
function demoConfig(config: Config, { home }: DemoPlaces): Config {
  const ours = {
    databaseUrl: null,
    managerUrl: null,
    proposerUrl: null,
    executor: 'patch',
    aiderBin: null,
    apiToken: null,
  } as const
  return { ...config, ...ours, home, replayDir: path.join(home, RECORDINGS), secrets: {} }
}

function sayInterrupted({ output }: Cli, interruption: Interruption): void {
  output.note('Interrupted; nothing is left running. Start it again with: moose demo')
  output.document({ success: false, error: { code: 'interrupted', message: 'Interrupted by a signal.' } })
  process.exitCode = Number(interruption.exitCode())
}
