import type { WriteStream } from 'node:tty'

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_MS = 80
/** What is over sooner needs no sign of life. */
const PATIENCE_MS = 400
const CLEAR_LINE = '\r\u001b[2K'

/** A line at the bottom of the terminal that says what is being waited for. */
export type Spinner = Disposable & {
  say(text: string): void
  /** Takes the line away so that something else can be printed; the next frame brings it back. */
  hide(): void
}

/** A spinner for a stream that is no terminal: nothing. */
export const NO_SPINNER: Spinner = { say: () => {}, hide: () => {}, [Symbol.dispose]: () => {} }

export function startSpinner(stream: WriteStream, text: string): Spinner {
  let shown = text
  let frame = 0
  let visible = false
  const draw = () => {
    frame += 1
    const line = `${FRAMES[frame % FRAMES.length]} ${shown}`
    // A terminal that does not know its width says 0.
    stream.write(CLEAR_LINE + (stream.columns > 0 ? line.slice(0, stream.columns - 1) : line))
    visible = true
  }
  let timer = setTimeout(() => {
    timer = setInterval(draw, FRAME_MS).unref()
  }, PATIENCE_MS).unref()
  const hide = () => {
    if (visible) stream.write(CLEAR_LINE)
    visible = false
  }
  return {
    say: (next) => {
      shown = next
    },
    hide,
    [Symbol.dispose]: () => {
      clearTimeout(timer)
      hide()
    },
  }
}
