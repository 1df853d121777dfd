import { type Instance, render, useInput, usePaste, useWindowSize } from 'ink'
import { createElement as h, type ReactElement, useEffect, useState, useSyncExternalStore } from 'react'
import { toFault } from '../../faults/fault.ts'
import { type Cli, serviceApi } from '../cli.ts'
import { listenForInterruption } from '../interruption.ts'
import type { Output } from '../pages/output.ts'
import { followService } from './follow-service.ts'
import { type Intent, intentOf, pressesOf } from './keys.ts'
import { Screen } from './screen.ts'
import { createWatch, type Watch } from './watch.ts'

/** Times and durations on the screen are as old as this, at most. */
const TICK_MS = 1_000
const INTERRUPTED = 130

/** Takes the whole screen until it is closed, and gives it back as it was. Runs are left alone. */
export async function watchOnScreen(cli: Cli): Promise<void> {
  using interruption = listenForInterruption()
  const closed = new AbortController()
  const signal = AbortSignal.any([interruption.signal, closed.signal])
  const watch = createWatch(signal, cli.environment)
  let exitCode = 0
  const act = (intent: Intent) => {
    if (intent === null) return
    if (intent.type !== 'quit') return watch.act(intent)
    exitCode = intent.interrupted ? INTERRUPTED : 0
    closed.abort()
  }
  const screen = show(h(Root, { watch, act, output: cli.output }))
  signal.addEventListener('abort', () => screen.unmount(), { once: true })
  const following = followService({ open: () => serviceApi(cli), listener: watch.listener, signal })
  try {
    await Promise.race([following, screen.waitUntilExit()])
  } finally {
    closed.abort()
    screen.unmount()
    await screen.waitUntilExit().catch(() => {})
    const late = await watch.ended()
    if (late !== null) cli.output.note(late.text)
    await following.catch((error: unknown) => {
      // It is thrown by the race, if it came first; after the end nothing is left to be told.
      void toFault(error)
    })
  }
  process.exitCode = interruption.exitCode() === null ? exitCode : Number(interruption.exitCode())
}

function show(root: ReactElement): Instance {
  return render(root, {
    alternateScreen: true,
    incrementalRendering: true,
    exitOnCtrlC: false,
    patchConsole: false,
    // What is asked of the terminal itself may be a test's in CI.
    interactive: true,
  })
}

type RootProps = { watch: Watch; act: (intent: Intent) => void; output: Output }

function Root({ watch, act, output }: RootProps): ReactElement {
  const state = useSyncExternalStore(watch.subscribe, watch.state)
  const size = useWindowSize()
  const [now, setNow] = useState(() => new Date())
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), TICK_MS)
    return () => clearInterval(timer)
  }, [])
  useInput((written, pressed) => {
    const presses = pressesOf(written, pressed, watch.state().typing)
    for (const { text, key } of presses) act(intentOf(text, key, watch.state()))
  })
  // A text that is pasted is no sequence of keys.
  usePaste((text) => {
    if (watch.state().typing) act({ type: 'typed', text })
  })
  return h(Screen, { state, size, now, output })
}
