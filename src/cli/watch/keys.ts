import type { Key } from 'ink'
import type { Act } from './acts.ts'
import type { Moved, WatchState } from './watch-state.ts'

/** What a key asks for. */
export type Intent =
  | Moved
  | { type: 'act'; act: Act }
  | { type: 'confirm' }
  | { type: 'open' }
  | { type: 'quit'; interrupted: boolean }
  | null

/** Parts of a key that are looked at. */
export type Pressed = Partial<
  Pick<
    Key,
    | 'upArrow'
    | 'downArrow'
    | 'pageUp'
    | 'pageDown'
    | 'home'
    | 'end'
    | 'return'
    | 'escape'
    | 'backspace'
    | 'delete'
    | 'ctrl'
    | 'meta'
  >
>

/** Entries that PgUp and PgDn go over. */
const PAGE = 10

const QUIT: Intent = { type: 'quit', interrupted: false }

const LETTERS: ReadonlyMap<string, Intent> = new Map<string, Intent>([
  ['j', { type: 'move', by: 1 }],
  ['k', { type: 'move', by: -1 }],
  ['g', { type: 'edge', to: 'first' }],
  ['G', { type: 'edge', to: 'last' }],
  ['a', { type: 'act', act: 'approve' }],
  ['x', { type: 'act', act: 'cancel' }],
  ['r', { type: 'act', act: 'retry' }],
  ['m', { type: 'act', act: 'merge' }],
  ['o', { type: 'open' }],
  ['/', { type: 'typing' }],
  ['?', { type: 'view', view: 'help' }],
  ['q', QUIT],
])

/** The keys in what came at once: while a search is typed, what is written before and after each Enter, and the Enter. */
export function pressesOf(text: string, key: Pressed, typing: boolean): { text: string; key: Pressed }[] {
  if (!typing || text.length < 2 || !text.includes('\r')) return [{ text, key }]
  const parts = text.split(/(\r)/).filter((part) => part !== '')
  return parts.map((part) => ({ text: part, key: part === '\r' ? { return: true } : {} }))
}

/**
 * @param text what the key writes; of keys that were pressed faster than they are read, all of it
 */
export function intentOf(
  text: string,
  key: Pressed,
  state: Pick<WatchState, 'view' | 'typing' | 'question' | 'search'>,
): Intent {
  if (key.ctrl === true) return text === 'c' ? { type: 'quit', interrupted: true } : null
  if (state.question !== null) return text === 'y' || text === 'Y' ? { type: 'confirm' } : { type: 'answered' }
  if (state.typing) return typed(text, key)
  if (state.view === 'help') return text === 'q' ? QUIT : { type: 'view', view: 'list' }
  const moves = movedBy(key)
  if (moves !== null) return moves
  if (key.return === true) return { type: 'view', view: 'order' }
  if (key.escape === true) return backFrom(state)
  if (key.meta === true) return null
  return ofLetters(text)
}

function ofLetters(text: string): Intent {
  // A key that is held down comes several at a time. What else comes so was not typed.
  if (/^(?:j+|k+)$/.test(text)) return { type: 'move', by: text.startsWith('j') ? text.length : -text.length }
  const intent = LETTERS.get(text)
  return intent === undefined ? null : intent
}

function typed(text: string, key: Pressed): Intent {
  if (key.return === true) return { type: 'search_done', keep: true }
  if (key.escape === true) return { type: 'search_done', keep: false }
  if (key.backspace === true || key.delete === true) return { type: 'erased' }
  const moves = movedBy(key)
  if (moves !== null) return moves
  return text === '' || key.meta === true ? null : { type: 'typed', text }
}

function movedBy(key: Pressed): Moved | null {
  if (key.downArrow === true) return { type: 'move', by: 1 }
  if (key.upArrow === true) return { type: 'move', by: -1 }
  if (key.pageDown === true) return { type: 'move', by: PAGE }
  if (key.pageUp === true) return { type: 'move', by: -PAGE }
  if (key.home === true) return { type: 'edge', to: 'first' }
  return key.end === true ? { type: 'edge', to: 'last' } : null
}

function backFrom({ view, search }: Pick<WatchState, 'view' | 'search'>): Intent {
  if (view === 'order') return { type: 'view', view: 'list' }
  return search === '' ? null : { type: 'search_done', keep: false }
}
