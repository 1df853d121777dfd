import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Whether GitHub signed these bytes with the secret; compared in constant time.
 *
 * @param signature the header `X-Hub-Signature-256`
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export function isSigned(secret: string, body: Uint8Array, signature: string | undefined): boolean {
  const given = /^sha256=([0-9a-f]{64})$/.exec(signature === undefined ? '' : signature)?.[1]
  if (given === undefined) return false
  return timingSafeEqual(Buffer.from(given, 'hex'), createHmac('sha256', secret).update(body).digest())
}
