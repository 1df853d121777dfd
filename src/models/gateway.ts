import type { Kysely } from 'kysely'
import { getProposerConfig } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import type { ModelGateway } from '../ports/model-access.ts'
import type { RefuseSecrets } from '../redaction/prompt-secrets.ts'
import { type GatewayServer, serveGateway } from './gateway-server.ts'
import type { Models } from './models.ts'
import { type OpenGrant, openGrant } from './open-grant.ts'

/**
 * An OpenAI-compatible API on loopback through which child processes reach a model. They get a token that lives as
 * long as their run; the provider's key never leaves this process, and every call is booked on the run's attempt. The
 * server listens from the first grant until it is disposed.
 */
export function createGateway({
  db,
  models,
  home,
  refuseSecrets,
}: {
  db: Kysely<Database>
  models: Models
  /** Absolute path of Moose's home; its socket is in it. */
  home: string
  refuseSecrets: RefuseSecrets
}): ModelGateway & AsyncDisposable {
  const grants = new Map<string, OpenGrant>()
  let server: Promise<GatewayServer> | null = null
  return {
    async grant(request) {
      const proposer = await getProposerConfig(db, request.proposer)
      const unavailable = models.whyUnavailable(proposer)
      if (unavailable !== null) throw unavailable
      server ??= serveGateway((token) => grants.get(token), home)
      const { url, reach } = await server.catch((error: unknown) => {
        server = null
        throw error
      })
      const memory = await models.remember(request)
      const grant = openGrant({ models, refuseSecrets }, proposer, request, memory)
      grants.set(grant.token, grant)
      return {
        url,
        reach,
        token: grant.token,
        model: grant.model,
        calls: grant.calls,
        async [Symbol.asyncDispose]() {
          grants.delete(grant.token)
          await grant.end()
        },
      }
    },
    async [Symbol.asyncDispose]() {
      if (server !== null) await (await server)[Symbol.asyncDispose]()
    },
  }
}
