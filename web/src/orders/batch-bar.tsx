import { ACTIONS, type Verb, verbsOf } from '../api/actions.ts'
import type { ListedOrder } from '../api/client.ts'
import { useAsk, useMay } from '../ui/acting.tsx'
import type { Selection } from './order-keys.ts'

const BATCH_VERBS: readonly Verb[] = ['approve', 'retry', 'merge', 'reject', 'cancel']

/** What can be done with the selected orders at once, as they stand now as far as they are listed. */
export function BatchBar({ listed, selection }: { listed: readonly ListedOrder[]; selection: Selection }) {
  const ask = useAsk()
  const may = useMay()
  const { chosen, choose } = selection
  if (chosen.size === 0) return null
  const now = new Map(listed.filter(({ id }) => chosen.has(id)).map((order) => [order.id, order]))
  const orders = [...chosen.values()].map((order) => now.get(order.id) ?? order)
  return (
    <div className="batch" role="group" aria-label="Selected orders">
      <span>{orders.length} selected</span>
      {BATCH_VERBS.map((verb) => {
        const fitting = orders.filter((order) => verbsOf(order).includes(verb))
        if (fitting.length === 0) return null
        return (
          <button key={verb} type="button" disabled={!may(verb)} onClick={() => ask({ verb, orders: fitting })}>
            {ACTIONS[verb].label} {fitting.length}
          </button>
        )
      })}
      <button type="button" className="plain" onClick={() => choose('none')}>
        Select none
      </button>
    </div>
  )
}
