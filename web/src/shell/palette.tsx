import { Autocomplete } from '@base-ui/react/autocomplete'
import { Dialog } from '@base-ui/react/dialog'
import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useState } from 'react'
import { ACTIONS, verbsOf } from '../api/actions.ts'
import { answer, api } from '../api/client.ts'
import { VIEWS } from '../places.ts'
import { useAsk, useMay } from '../ui/acting.tsx'
import { useCurrentOrder } from '../ui/current-order.ts'
import { shortId } from '../ui/words.tsx'
import './palette.css'

type Item = { value: string; label: string; note: string; act: () => void }
type Group = { value: string; items: Item[] }

const MOST_ORDERS = 8
/** The API takes no longer one. */
const LONGEST_SEARCH = 200
const TYPING_MS = 120

/** Those that hold the words, the last changed first; without words what changed last. */
const foundQuery = (words: string) =>
  queryOptions({
    queryKey: ['orders', 'found', words],
    queryFn: async ({ signal }) => {
      // Who types on breaks it off before it is asked.
      if (words !== '') await new Promise((resolve) => setTimeout(resolve, TYPING_MS))
      signal.throwIfAborted()
      const query = { limit: MOST_ORDERS, sort: 'updated' as const, ...(words === '' ? {} : { q: words }) }
      return (await answer(api.GET('/api/work-orders', { params: { query }, signal }))).work_orders
    },
  })

/** Goes to any view and any order, and acts on the one that keys mean. */
export function Palette({ isOpen, change }: { isOpen: boolean; change: (opens: boolean) => void }) {
  return (
    <Dialog.Root open={isOpen} onOpenChange={change}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog palette" aria-label="Go to">
          <Choice close={() => change(false)} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

function Choice({ close }: { close: () => void }) {
  const [typed, setTyped] = useState('')
  const groups = useGroups(typed.trim())
  const doIt = ({ act }: Item) => {
    close()
    act()
  }
  return (
    <Autocomplete.Root
      open
      inline
      mode="none"
      items={groups}
      value={typed}
      onValueChange={setTyped}
      autoHighlight="always"
      keepHighlight
    >
      <Autocomplete.Input
        className="palette-input"
        aria-label="View, order or action"
        placeholder="A view, an order by id or words, an action"
        maxLength={LONGEST_SEARCH}
      />
      <Dialog.Close className="hidden">Close</Dialog.Close>
      <Autocomplete.Empty className="palette-empty">{groups.length === 0 ? 'Nothing fits.' : null}</Autocomplete.Empty>
      <Autocomplete.List className="palette-list">
        {(group: Group) => (
          <Autocomplete.Group key={group.value} items={group.items}>
            <Autocomplete.GroupLabel className="palette-group">{group.value}</Autocomplete.GroupLabel>
            <Autocomplete.Collection>
              {(item: Item) => (
                <Autocomplete.Item key={item.value} value={item} className="palette-item" onClick={() => doIt(item)}>
                  <span>{item.label}</span>
                  <span className="quiet">{item.note}</span>
                </Autocomplete.Item>
              )}
            </Autocomplete.Collection>
          </Autocomplete.Group>
        )}
      </Autocomplete.List>
    </Autocomplete.Root>
  )
}

function useGroups(words: string): Group[] {
  const router = useRouter()
  const order = useCurrentOrder()
  const ask = useAsk()
  const may = useMay()
  const { data: found = [] } = useQuery({
    ...foundQuery(words.slice(0, LONGEST_SEARCH)),
    placeholderData: keepPreviousData,
  })
  const go = (path: string) => router.history.push(path)
  const fits = (label: string) =>
    words
      .toLowerCase()
      .split(/\s+/)
      .every((word) => label.toLowerCase().includes(word))
  const actions = order === null ? [] : verbsOf(order).filter(may)
  const groups = [
    {
      value: order === null ? '' : `${shortId(order.id)} ${order.title}`,
      items: actions.flatMap((verb) =>
        order === null
          ? []
          : [
              {
                value: `act ${verb}`,
                label: ACTIONS[verb].label,
                note: 'asked before it is done',
                // The dialog of the palette has to be gone: it gives the focus back when it closes.
                act: () => setTimeout(() => ask({ verb, orders: [order] })),
              },
            ],
      ),
    },
    {
      value: 'Views',
      items: VIEWS.filter(({ path }) => Object.hasOwn(router.routesByPath, path.replace(/\?.*/, ''))).map(
        ({ path, title }) => ({ value: path, label: title, note: path, act: () => go(path) }),
      ),
    },
  ].map(({ value, items }) => ({ value, items: items.filter(({ label }) => fits(label)) }))
  const orders = found.map(({ id, title, state }) => ({
    value: id,
    label: title,
    note: `${shortId(id)} ${state}`,
    act: () => go(`/orders/${id}`),
  }))
  return [...groups, { value: 'Orders', items: orders }].filter(({ items }) => items.length > 0)
}
