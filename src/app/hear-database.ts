import type { EventFeed } from '../db/event-feed.ts'
import { listen } from '../db/listen.ts'
import type { Log } from '../log.ts'
import type { OrchestratorService } from '../orchestrator/orchestrator-service.ts'

/** Passes on what the database's triggers announce; after a lost connection, looks for what was missed. */
export function hearDatabase(
  url: string,
  {
    orchestrator,
    feed,
    onAct,
    onOutbox,
    log,
  }: { orchestrator: OrchestratorService; feed: EventFeed; onAct: () => void; onOutbox: () => void; log: Log },
): Promise<AsyncDisposable> {
  const handlers: Record<string, (payload: string) => void> = {
    moose_ready: orchestrator.wake,
    moose_config: orchestrator.configChanged,
    moose_cancelled: orchestrator.stopAttempt,
    moose_event: feed.poke,
    moose_audit: onAct,
    moose_outbox: onOutbox,
    moose_settings: feed.pokeSettings,
  }
  return listen({
    url,
    log,
    channels: Object.keys(handlers),
    onNotify: (channel, payload) => handlers[channel]?.(payload),
    onReconnect() {
      orchestrator.configChanged()
      feed.poke(null)
      feed.pokeSettings('any')
      onAct()
      onOutbox()
    },
  })
}
