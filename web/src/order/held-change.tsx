import { answer, api, type OrderDetail } from '../api/client.ts'
import { AskedButton } from '../ui/asked-button.tsx'

type Held = { path: string | null; why: string; fingerprint: string | null }

/** What of its change a human has to allow, named one by one; allowing it publishes that commit and no other. */
export function HeldChange({ order }: { order: OrderDetail }) {
  const held = order.status === 'blocked' ? heldIn(order.status_reason?.details?.['held']) : []
  const headSha = order.status_reason?.details?.['head_sha']
  const allow = async () => {
    await answer(
      api.POST('/api/work-orders/{id}/approve', {
        params: { path: { id: order.id } },
        body: {
          ...(order.content_sha256 === undefined ? {} : { content_sha256: order.content_sha256 }),
          ...(typeof headSha === 'string' ? { head_sha: headSha } : {}),
          allow: held.flatMap(({ path, fingerprint }) => (path === null || fingerprint !== null ? [] : [path])),
          allow_secrets: held.flatMap(({ fingerprint }) => (fingerprint === null ? [] : [fingerprint])),
        },
      }),
    )
    return `Allowed: ${order.title}`
  }
  if (held.length === 0) return null
  const label = `Allow ${held.length === 1 ? 'it' : `all ${held.length}`}`
  return (
    <section className="why warn-box" aria-label="What waits to be allowed">
      <p>Look at these in the diff. Allowing them publishes the commit that is held, and nothing else.</p>
      <HeldList held={held} />
      <AskedButton
        label={label}
        title={`Allow: ${order.title}`}
        doIt={label}
        act={allow}
        scope="approve"
        isDanger
        className="danger"
      >
        <p>The commit that is held is published as a pull request, with these in it:</p>
        <HeldList held={held} />
      </AskedButton>
    </section>
  )
}

function HeldList({ held }: { held: readonly Held[] }) {
  return (
    <ul>
      {held.map(({ path, why, fingerprint }) => (
        <li key={`${path} ${fingerprint}`}>
          {path === null ? 'The text of the pull request' : <code>{path}</code>} {why}
          {fingerprint === null ? null : <code> {fingerprint}</code>}
        </li>
      ))}
    </ul>
  )
}

/** As the reason of the order tells it: JSON in a text. */
function heldIn(details: unknown): Held[] {
  if (typeof details !== 'string') return []
  try {
    const parsed: unknown = JSON.parse(details)
    return Array.isArray(parsed) ? parsed.filter(isHeld) : []
  } catch {
    // Of another version: the commands beside it say what to type.
    return []
  }
}

function isHeld(one: unknown): one is Held {
  if (typeof one !== 'object' || one === null || !('why' in one) || !('path' in one) || !('fingerprint' in one))
    return false
  const isText = (value: unknown) => value === null || typeof value === 'string'
  return typeof one.why === 'string' && isText(one.path) && isText(one.fingerprint)
}
