import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { answer, api, type Schemas, type Scope } from '../api/client.ts'
import { AskedButton } from '../ui/asked-button.tsx'
import { CommandLine, Skeleton } from '../ui/states.tsx'
import { WithTimes } from '../ui/with-times.tsx'
import { shortId, usd } from '../ui/words.tsx'

type Offer = Schemas['OfferedOption']
type Open = Schemas['OpenEscalation']
type Known = 'allow' | 'adopt' | 'retry' | 'model' | 'verify' | 'abort'

/** What is done by one click; what is amended is edited first. */
const KNOWN: Readonly<Record<Known, { label: string; scope: Scope }>> = {
  allow: { label: 'Allow it', scope: 'approve' },
  adopt: { label: 'Adopt it', scope: 'operate' },
  retry: { label: 'Retry', scope: 'operate' },
  model: { label: 'Another model', scope: 'operate' },
  verify: { label: 'Verify only', scope: 'operate' },
  abort: { label: 'Give it up', scope: 'operate' },
}

/** Whether the command for it is among those to type. */
export function isToDecide(id: string, next: readonly string[]): boolean {
  return next.includes(`moose decide ${shortId(id)}`)
}

/** What has to be decided about an order that is stopped: asked for when it is opened. */
/** @param isOpenAtFirst where nothing else is to be done with it */
export function Decide({ id, isOpenAtFirst = false }: { id: string; isOpenAtFirst?: boolean }) {
  const [isOpen, setOpen] = useState(isOpenAtFirst)
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>What can be decided, and what it costs</summary>
      {isOpen ? <Options id={id} /> : null}
    </details>
  )
}

function Options({ id }: { id: string }) {
  const { data: found, error } = useQuery({
    queryKey: ['escalation', id],
    queryFn: () => answer(api.GET('/api/work-orders/{id}/escalation', { params: { path: { id } } })),
  })
  if (error !== null) return <p className="failure">{error.message}</p>
  if (found === undefined) return <Skeleton rows={3} />
  const { escalation } = found
  if (escalation === null) return <p className="quiet">Nothing has to be decided about it.</p>
  return (
    <>
      <ul className="lines">
        {escalation.story.map((line) => (
          <li key={line}>
            <WithTimes text={line} />
          </li>
        ))}
      </ul>
      <ul className="lines">
        {escalation.options.map((offer) => (
          <li key={offer.option}>
            <Option escalation={escalation} offer={offer} />
          </li>
        ))}
      </ul>
    </>
  )
}

function Option({ escalation: { id, work_order_id: order }, offer }: { escalation: Open; offer: Offer }) {
  const { option, sentence } = offer
  return (
    <>
      <p>
        {sentence} <span className="quiet">{costOf(offer)}</span>
      </p>
      {isKnown(option) ? (
        <AskedButton
          label={KNOWN[option].label}
          title={`${KNOWN[option].label}: ${shortId(order)}`}
          doIt={KNOWN[option].label}
          scope={KNOWN[option].scope}
          isDanger={option === 'abort'}
          act={async () => {
            const body = { option, escalation_id: id, ...(offer.held === null ? {} : { held: offer.held }) }
            const decided = await answer(
              api.POST('/api/work-orders/{id}/decide', { params: { path: { id: order } }, body }),
            )
            return decided.sentence
          }}
        >
          <p>{sentence}</p>
        </AskedButton>
      ) : option === 'amend' ? (
        <Link className="button" to="/orders/$id/edit" params={{ id: order }}>
          Edit it
        </Link>
      ) : (
        <CommandLine text={offer.command} />
      )}
    </>
  )
}

function isKnown(option: string): option is Known {
  return Object.hasOwn(KNOWN, option)
}

function costOf({ expected_cost_usd: cost, ended, ended_well: well, chosen }: Offer): string {
  const price = cost === null ? 'What it costs is not known.' : cost === 0 ? 'It costs nothing.' : `About ${usd(cost)}.`
  if (ended > 0) return `${price} It ended well ${well} of ${ended} times.`
  return chosen > 0 ? `${price} It was chosen ${chosen} ${chosen === 1 ? 'time' : 'times'} before.` : price
}
