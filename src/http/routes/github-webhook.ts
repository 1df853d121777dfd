import { createHmac, timingSafeEqual } from 'node:crypto'
import { createRoute, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { GitHubWebhookBody, GitHubWebhookResponse, hintOf } from '../../contract/github-webhook.ts'
import { takeDelivery } from '../../db/github-deliveries.ts'
import { Fault } from '../../faults/fault.ts'
import { ANY_FAULT, BODY_FAULT, json, jsonBody, NO_WEBHOOKS, NOT_SIGNED } from '../answers.ts'
import type { HttpEnv } from '../http-env.ts'
import { newRoutes } from '../new-routes.ts'

const headers = z.object({
  'x-github-event': z.string().min(1).max(100).optional(),
  'x-github-delivery': z.string().min(1).max(100).optional(),
  'x-hub-signature-256': z.string().optional(),
})

/** The signature covers the raw bytes and is looked at before anything in them. */
const onlySigned: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const { webhook: secret } = c.var.deps.config.githubSecrets
  if (secret === null) {
    throw new Fault('not_found', 'Webhooks are off. Set MOOSE_GITHUB_WEBHOOK_SECRET and restart Moose.')
  }
  const body = new Uint8Array(await c.req.raw.clone().arrayBuffer())
  if (!isSigned(secret, body, c.req.header('x-hub-signature-256'))) {
    const message = 'The signature does not fit. The webhook and MOOSE_GITHUB_WEBHOOK_SECRET must have the same secret.'
    throw new Fault('webhook_refused', message)
  }
  await next()
}

const webhook = createRoute({
  method: 'post',
  path: '/api/webhooks/github',
  operationId: 'receiveGitHubWebhook',
  summary: 'A hint of GitHub that something happened to a pull request',
  description:
    'Takes `application/json` signed with `MOOSE_GITHUB_WEBHOOK_SECRET`. Moose then looks at the pull requests it ' +
    'names, if they are its own; any other event is accepted, and a delivery that was taken before is ignored.',
  tags: ['GitHub'],
  request: { headers, body: jsonBody(GitHubWebhookBody, true) },
  responses: { 202: json(GitHubWebhookResponse, 'Taken'), ...BODY_FAULT, ...NOT_SIGNED, ...NO_WEBHOOKS, ...ANY_FAULT },
  middleware: onlySigned,
})

export const githubWebhookRoutes = newRoutes().openapi(webhook, async (c) => {
  const { db, orchestrator } = c.var.deps
  const { 'x-github-delivery': id, 'x-github-event': event } = c.req.valid('header')
  if (id === undefined || event === undefined) {
    throw new Fault('request_invalid', 'A webhook names its event and its delivery: X-GitHub-Event, X-GitHub-Delivery.')
  }
  const accepted = await takeDelivery(db, { id, event })
  const hint = hintOf(event, c.req.valid('json'))
  if (accepted && hint !== null) orchestrator.hintAtPullRequest(hint)
  return c.json({ success: true as const, accepted }, 202)
})

/**
 * Whether GitHub signed these bytes with the secret; compared in constant time.
 *
 * @param signature the header `X-Hub-Signature-256`
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
function isSigned(secret: string, body: Uint8Array, signature: string | undefined): boolean {
  const given = /^sha256=([0-9a-f]{64})$/.exec(signature === undefined ? '' : signature)?.[1]
  if (given === undefined) return false
  return timingSafeEqual(Buffer.from(given, 'hex'), createHmac('sha256', secret).update(body).digest())
}
